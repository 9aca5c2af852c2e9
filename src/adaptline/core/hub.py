"""A model's folder by its name on a hub: resolved to a commit, and of that only what is read here.

Knows hubs as Hugging Face's client speaks to them, and its cache of models. Knows nothing of what is in a model, but for
the names of the files that we read: the others are neither fetched nor part of what a base means. Nothing is sent but
the request. The client comes with transformers and is imported only here, when a name is looked up.

Weights are fetched last and the name of a branch is noted after them, so that what is found in the cache without a
network is whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaptline.core import progress
from adaptline.errors import UserError

PREFIX = "hub:"  # a hub is asked only where the recipe says so: a mistyped path must not be sent anywhere
# Names of repositories as huggingface_hub.utils.validate_repo_id has them, with one slash; revisions as git does.
_NAME = re.compile(
    r"hub:(?!.*(?:--|\.\.))[a-z0-9][\w.-]*(?<![-.])/\w[\w.-]*(?<![-.])(?:@\w[\w.+-]*(?:/[\w.+-]+)*)?",
    re.ASCII | re.IGNORECASE,
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CONFIG, _SINGLE, _INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_TOKENIZER = re.compile(
    r"tokenizer.*\.json|vocab[\w.-]*\.(json|txt)|merges[\w.-]*\.txt|[\w.-]+\.(model|spm)"
    r"|special_tokens_map\.json|added_tokens\.json|chat_template[\w.-]*"
)
_OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".h5", ".msgpack", ".ckpt", ".gguf", ".onnx")
_ADAPTER = "adapter_config.json"
_LOOK_SECONDS = 30  # for the one small answer that names commit and files

_KNOWN: ContextVar[dict[str, Snapshot]] = ContextVar("the names of one look")


@dataclass(frozen=True)
class Snapshot:
    """A commit's files that we read, in the cache. `name` is "hub:org/name@commit"."""

    path: Path
    name: str
    files: tuple[str, ...]


@contextlib.contextmanager
def one_look() -> Iterator[None]:
    """Within, a name is looked up once: all cells of a grid mean the same commit, also where a branch moves meanwhile."""
    token = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(token)


def find(text: str) -> Snapshot:
    """The files of what "hub:org/name" or "hub:org/name@revision" stands for: a branch as it is now, a tag, or a commit.

    Offline (HF_HUB_OFFLINE) the cache alone is asked; so it is for a commit when the hub cannot be reached.

    Raises:
        UserError: it is no such name; the client is not installed; the hub cannot be reached, has no such model or revision, or does not give
            it to this user; what it has is no model in safetensors; or the cache does not have it whole.
    """
    known = _KNOWN.get({})
    if text not in known:
        known[text] = _find(text)
    return known[text]


def wanted(names: Sequence[str]) -> tuple[str, ...]:
    """The files that are read of a model's, the weights last. Of one that is there whole and in pieces, the whole."""
    weights = [_SINGLE] if _SINGLE in names else [name for name in names if name == _INDEX or _SHARD.fullmatch(name)]
    rest = [name for name in names if name in (_CONFIG, "generation_config.json") or _TOKENIZER.fullmatch(name)]
    return (*sorted(set(rest) - {_INDEX}), *sorted(weights))


def _find(text: str) -> Snapshot:
    if _NAME.fullmatch(text) is None:
        raise UserError(f"not a model's name on a hub: {text!r}", do="Write hub:org/name or hub:org/name@revision.")
    # The client counts and reports what it is used with unless told otherwise, before or after it is imported.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from huggingface_hub import HfApi, constants, errors  # noqa: PLC0415 - only a name needs it
    except ImportError as error:
        raise UserError(
            f"{text!r} needs huggingface_hub, which is not installed", do="pip install 'adaptline[train]'"
        ) from error
    constants.HF_HUB_DISABLE_TELEMETRY = True
    repository, _, revision = text.removeprefix(PREFIX).partition("@")
    revision = revision or "main"
    if constants.is_offline_mode():
        return _cached(text, repository, revision)
    try:
        told = HfApi(endpoint=constants.ENDPOINT).model_info(
            repository, revision=revision, files_metadata=True, timeout=_LOOK_SECONDS
        )
        sizes = {entry.rfilename: entry.size or 0 for entry in told.siblings or []}
        commit = str(told.sha)
        files = _readable(text, list(sizes))
        snapshot = Snapshot(_folder(repository) / "snapshots" / commit, f"{PREFIX}{repository}@{commit}", files)
        _fetch(snapshot, sizes)
    except (errors.HTTPError, OSError, ValueError, RuntimeError) as error:  # type: ignore[attr-defined] # of its transport
        # Of a file that cannot be fetched the client says that it is not in the cache, and why in the cause.
        cause = error.__cause__
        why = cause if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(cause, Exception) else error
        reached = isinstance(why, errors.HfHubHTTPError) and why.response.status_code < 500  # noqa: PLR2004 - HTTP
        if not reached and _COMMIT.fullmatch(revision) and (_folder(repository) / "snapshots" / revision).is_dir():
            return _cached(text, repository, revision)
        raise _mistake(text, repository, revision, why) from error
    _refuse_partial(text, snapshot)
    _note(_folder(repository) / "refs" / revision, commit)
    return snapshot


def _cached(text: str, repository: str, revision: str) -> Snapshot:
    """What the cache has, whole or not at all."""
    from huggingface_hub import constants  # noqa: PLC0415 - as above

    note = _folder(repository) / "refs" / revision
    commit = revision if _COMMIT.fullmatch(revision) else note.read_text().strip() if note.is_file() else ""
    folder = _folder(repository) / "snapshots" / commit
    if not _COMMIT.fullmatch(commit) or not folder.is_dir():
        raise UserError(
            f"the cache of models has no {text!r}",
            do=f"Offline (HF_HUB_OFFLINE), only {constants.HF_HUB_CACHE} is asked. Run it once with the network.",
        )
    files = _readable(text, [path.name for path in folder.iterdir() if path.is_file()])  # a link to nothing is no file
    snapshot = Snapshot(folder, f"{PREFIX}{repository}@{commit}", files)
    _refuse_partial(text, snapshot)
    return snapshot


def _folder(repository: str) -> Path:
    """Where the cache keeps a model: snapshots/COMMIT with links into blobs, and refs/BRANCH."""
    from huggingface_hub import constants  # noqa: PLC0415 - as above

    return Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"


def _readable(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The files to read. Raises UserError where they are no base."""
    if _ADAPTER in names:
        raise UserError(f"{text!r} is an adapter, not a base", do="Name the base that it was trained on.")
    if _CONFIG not in names:
        raise UserError(f"{text!r} holds no model", do="A model is a repository with a config.json.")
    files = wanted(names)
    if not any(name.endswith(".safetensors") for name in files):
        others = sorted(name for name in names if name.endswith(_OTHER_WEIGHTS))
        raise UserError(
            f"{text!r} has no weights in safetensors format" + (f", but {', '.join(others[:3])}" if others else ""),
            do="Other formats can run code when they are read: convert them once, with save_pretrained of transformers."
            if others
            else "If fetching it was cut off: run it with the network, and what is missing is fetched.",
        )
    return files


def _fetch(snapshot: Snapshot, sizes: Mapping[str, int]) -> None:
    """Fetches what is not there. A file stands under its name once it is whole."""
    from huggingface_hub import constants, hf_hub_download  # noqa: PLC0415 - as above
    from huggingface_hub.utils.tqdm import tqdm  # noqa: PLC0415 - as above

    repository, _, commit = snapshot.name.removeprefix(PREFIX).partition("@")
    missing = [name for name in snapshot.files if not (snapshot.path / name).is_file()]
    total, done = sum(sizes[name] for name in missing) / 1e6, 0.0
    show = progress.Plain()

    class Bar(tqdm):
        """The client's bar, shown as our progress is."""

        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **{**settings, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            nonlocal done
            done += (n or 0) / 1e6
            show.at(snapshot.name, done, total, "MB")

    if missing:
        show.say(f"fetching {snapshot.name}: {len(missing)} files, {total:,.1f} MB")
    for name in missing:
        hf_hub_download(
            repository,
            name,
            revision=commit,
            endpoint=constants.ENDPOINT,
            cache_dir=constants.HF_HUB_CACHE,
            tqdm_class=Bar,
        )


def _refuse_partial(text: str, snapshot: Snapshot) -> None:
    """Raises UserError where pieces of the weights are missing that their index names."""
    if _INDEX not in snapshot.files:
        return
    try:
        named = set(json.loads((snapshot.path / _INDEX).read_bytes())["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{text!r} has an index of weights that cannot be read", where=snapshot.path / _INDEX
        ) from error
    if missing := sorted(named - set(snapshot.files)):
        raise UserError(
            f"{text!r} is not whole: {missing[0]} is missing" + (f" and {len(missing) - 1} more" * (len(missing) > 1)),
            do=f"Run it with the network: what is missing is fetched. It lies in {snapshot.path}.",
        )


def _note(place: Path, commit: str) -> None:
    """Notes which commit a branch or tag was at, for when there is no network."""
    if place.name == commit or (place.is_file() and place.read_text() == commit):
        return
    with contextlib.suppress(OSError):  # a cache may be read-only
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f"{place.name}.{os.getpid()}")
        beside.write_text(commit)
        beside.replace(place)


def _mistake(text: str, repository: str, revision: str, error: Exception) -> UserError:
    """What the client met, for a user; its own texts are long, so they are not shown where they are understood."""
    from huggingface_hub import constants, errors  # noqa: PLC0415 - as above

    endpoint, do = constants.ENDPOINT, "Log in (hf auth login), or set HF_TOKEN."
    if isinstance(error, errors.GatedRepoError):
        what, do = f"{text!r} is not given to everybody", f"Ask for it at {endpoint}/{repository}, then: {do}"
    elif isinstance(error, errors.RevisionNotFoundError):
        what = f"{text!r} has no revision {revision!r}"
        do = f"{endpoint}/{repository} lists its branches, tags and commits."
    elif isinstance(error, errors.RepositoryNotFoundError):
        what = f"no model {text!r} at {endpoint}"
        do = f"Mend the name. If the model is private: {do}"
    elif isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        what = f"{text!r} cannot be fetched: {endpoint} answered {status}"
        do = do if status in (401, 403) else "Try again later: what was fetched stays."
    else:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        what = f"{text!r} cannot be fetched from {endpoint}: {reason}"
        do = "Try again: what was fetched stays. HF_HUB_OFFLINE=1 takes what the cache has."
    return UserError(what, do=do)
