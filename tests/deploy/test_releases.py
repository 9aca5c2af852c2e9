from __future__ import annotations

import pytest
import released

from adaptline.core import keys
from adaptline.core.store import Store
from adaptline.deploy import releases
from adaptline.errors import UserError


def test_a_release_is_named_by_what_it_holds(store: Store) -> None:
    digest = released.commit(store, "one")
    found = releases.load(store, digest)
    assert found.name == f"base-{released.BASE[:12]}:lora@{digest[:12]}"
    assert (found.digest, found.kind, found.base) == (digest, "writer", released.BASE)
    assert (found.folder / "adapter" / "weights").read_text() == "one"
    assert releases.bare_name(found.base) == f"base-{released.BASE[:12]}"


def test_it_is_found_by_step_digest_or_name(store: Store) -> None:
    digest, other = released.commit(store, "one"), released.commit(store, "two", step="other")
    for what in ("support", digest, digest[:6], f"base-{released.BASE[:12]}:lora@{digest[:12]}"):
        assert releases.find(store, "recipe", what).digest == digest
    assert releases.find(store, "recipe", "other").digest == other


def test_an_older_release_is_found_by_its_digest(store: Store) -> None:
    old, new = released.commit(store, "one"), released.commit(store, "two")
    assert releases.find(store, "recipe", "support").digest == new
    assert releases.find(store, "recipe", old[:12]).digest == old
    assert releases.find(store, "another recipe", old[:12]).digest == old


def test_a_release_of_a_grid_is_named_by_its_digest(store: Store) -> None:
    digests = [released.commit(store, str(seed), cell={"seed": seed}) for seed in range(2)]
    with pytest.raises(UserError, match=r"'support' is 2 releases\n  Name one by its digest") as told:
        releases.find(store, "recipe", "support")
    for seed, digest in enumerate(digests):
        assert f"{digest[:12]}  seed={seed}" in str(told.value)
        assert releases.find(store, "recipe", digest[:12]).digest == digest


@pytest.mark.parametrize(
    ("what", "do"), [("suport", "Did you mean 'support'"), ("zzzzzzzz", "Known:"), ("ab", "Known:")]
)
def test_what_is_no_release_is_told_the_known_ones(store: Store, what: str, do: str) -> None:
    released.commit(store, "one")
    with pytest.raises(UserError, match=f"no release '{what}'\n  {do}"):
        releases.find(store, "recipe", what)


def test_a_short_start_of_a_digest_is_not_guessed(store: Store) -> None:
    digest = released.commit(store, "one")
    with pytest.raises(UserError, match="is too short for a release"):
        releases.find(store, "recipe", digest[:5])


def test_a_step_that_makes_something_else(store: Store) -> None:
    released.commit(store, "one")
    store.set_refs("recipe", "winner", [{"cell": {}, "key": keys.key("x"), "digest": keys.key("x")}])
    with pytest.raises(UserError, match="step 'winner' made no release\n  Releases: support"):
        releases.find(store, "recipe", "winner")


def test_a_store_without_releases_says_how_they_are_made(store: Store) -> None:
    with pytest.raises(UserError, match="no release 'support'\n  `adaptline run` makes releases"):
        releases.find(store, "recipe", "support")
    with pytest.raises(UserError, match="in this store\n  `adaptline run` makes releases"):
        releases.load(store, released.BASE)


def test_an_altered_release_is_refused_and_still_listed(store: Store) -> None:
    digest = released.commit(store, "one")
    (releases.load(store, digest).folder / "adapter" / "weights").write_text("other")
    with pytest.raises(UserError, match="is not what it was: its files have changed"):
        releases.find(store, "recipe", "support")
    assert list(releases.known(store)) == [digest]


def test_a_release_whose_facts_are_gone_is_not_listed(store: Store) -> None:
    digest = released.commit(store, "one")
    (releases.load(store, digest).folder / "release.json").unlink()
    assert releases.known(store) == {}


def test_evidence_holds_numbers_and_verdicts(store: Store) -> None:
    found = releases.load(store, released.commit(store, "one"))
    assert releases.evidence(found) == {
        "release": found.name,
        "digest": found.digest,
        "metrics": {"answers.chrf": 0.5},
        "verdict": "one leads",
        "winner": "one",
        "interval": [0.4, 0.6],
    }
