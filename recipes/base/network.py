"""A Llama small enough to be pre-trained on one core: its tensors, its forward pass, and a start from which it can copy.

Written by hand because transformers' attention is three times slower at this size on a CPU; what is saved is a plain
LlamaForCausalLM. Legend: B rows, T tokens, D width, H heads, E = D / H, V vocabulary.

An ordinary start learns to copy only after very many tokens: two layers must find each other (Olsson et al. 2022,
"In-context Learning and Induction Heads"). So the first two layers' attention starts as such a pair, set by hand (in the
spirit of Trockman and Kolter 2023, "Mimetic Initialization"): heads of layer 0 look at the token before and write down
which it was; heads of layer 1 look for a place whose token before is the present one, and say what stood there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Weights = dict[str, Tensor]

LAYERS, WIDTH, HEADS, HIDDEN, POSITIONS = 4, 256, 8, 768, 256
EPSILON, ROPE_BASE = 1e-5, 10_000.0
_HALF = WIDTH // 2  # of the stream: the first half says which token this is, the second which came before
_CONSTANT = WIDTH - 1  # a dimension that is the same for every token
_CHUNK = _HALF // HEADS  # dimensions of a token's identity that one head of the pair looks after


@dataclass(frozen=True)
class Tables:
    """What depends on positions alone: RoPE's cosines and sines (T, E), and the mask of the future (T, T)."""

    cosine: Tensor
    sine: Tensor
    future: Tensor


def shapes(vocabulary: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor, as transformers' Llama has them; the output is tied to the embedding."""
    found: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, WIDTH),
        "model.norm.weight": (WIDTH,),
    }
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        found |= {f"{at}.self_attn.{name}_proj.weight": (WIDTH, WIDTH) for name in "qkvo"}
        found |= {f"{at}.mlp.{name}_proj.weight": (HIDDEN, WIDTH) for name in ("gate", "up")}
        found |= {f"{at}.mlp.down_proj.weight": (WIDTH, HIDDEN)}
        found |= {f"{at}.{name}_layernorm.weight": (WIDTH,) for name in ("input", "post_attention")}
    return found


def tables(dtype: torch.dtype) -> Tables:
    """For POSITIONS tokens."""
    head = WIDTH // HEADS
    rates = ROPE_BASE ** -(torch.arange(0, head, 2).float() / head)
    angles = torch.outer(torch.arange(POSITIONS).float(), rates).repeat(1, 2)
    future = torch.full((POSITIONS, POSITIONS), -1e4).triu(1)
    return Tables(angles.cos().to(dtype), angles.sin().to(dtype), future.to(dtype))


def forward(weights: Weights, ids: Tensor, fixed: Tables) -> Tensor:
    """Logits (B, T, V) of token ids (B, T)."""
    rows, tokens = ids.shape
    head = WIDTH // HEADS
    mask = fixed.future[:tokens, :tokens].expand(rows * HEADS, tokens, tokens)
    stream = functional.embedding(ids, weights["model.embed_tokens.weight"])
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        seen = functional.rms_norm(stream, (WIDTH,), weights[f"{at}.input_layernorm.weight"], EPSILON)
        query, key, value = (
            functional.linear(seen, weights[f"{at}.self_attn.{name}_proj.weight"])
            .view(rows, tokens, HEADS, head)
            .transpose(1, 2)
            for name in "qkv"
        )
        query, key = (_rotated(part, fixed, tokens).reshape(rows * HEADS, tokens, head) for part in (query, key))
        looks = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=head**-0.5).softmax(-1)
        mixed = (looks @ value.reshape(rows * HEADS, tokens, head)).view(rows, HEADS, tokens, head)
        mixed = mixed.transpose(1, 2).reshape(rows, tokens, WIDTH)
        stream = stream + functional.linear(mixed, weights[f"{at}.self_attn.o_proj.weight"])
        seen = functional.rms_norm(stream, (WIDTH,), weights[f"{at}.post_attention_layernorm.weight"], EPSILON)
        gate, up = (functional.linear(seen, weights[f"{at}.mlp.{name}_proj.weight"]) for name in ("gate", "up"))
        stream = stream + functional.linear(functional.silu(gate) * up, weights[f"{at}.mlp.down_proj.weight"])
    last = functional.rms_norm(stream, (WIDTH,), weights["model.norm.weight"], EPSILON)
    return functional.linear(last, weights["model.embed_tokens.weight"])


def _rotated(part: Tensor, fixed: Tables, tokens: int) -> Tensor:
    """Queries or keys (B, H, T, E) turned by their positions (Su et al. 2021), the halves of E paired as Llama does."""
    one, other = part.chunk(2, -1)
    return part * fixed.cosine[:tokens] + torch.cat([-other, one], -1) * fixed.sine[:tokens]


def start(weights: Weights, generator: torch.Generator) -> None:
    """Sets all weights: the pair of layers that copies by hand, all else small and random, in place."""
    for name, weight in weights.items():
        if weight.dim() == 1:
            weight.fill_(0.25 if name == "model.norm.weight" else 1.0)
        elif "o_proj" in name or "down_proj" in name:
            weight.normal_(0, 0.0007, generator=generator)  # so that the pair is heard from the first step on
        elif "self_attn" in name:
            weight.normal_(0, 0.02, generator=generator)
        elif "mlp" in name:
            weight.normal_(0, 0.8 * WIDTH**-0.5, generator=generator)
    embedding = weights["model.embed_tokens.weight"]
    embedding.normal_(0, 0.08, generator=generator)
    embedding[:, _HALF:] *= 0.25
    embedding[:, _CONSTANT] = 0.4
    _look_back(*(weights[f"model.layers.0.self_attn.{name}_proj.weight"] for name in "qkvo"))
    _find_again(*(weights[f"model.layers.1.self_attn.{name}_proj.weight"] for name in "qkvo"))


def _look_back(query: Tensor, key: Tensor, value: Tensor, out: Tensor) -> None:
    """Layer 0: all heads attend one token back, by the fast pairs of RoPE, and copy its identity to the second half."""
    head, half = WIDTH // HEADS, WIDTH // HEADS // 2
    for number in range(HEADS):
        first = number * head
        for pair in range(6):  # the fast ones: together they are highest exactly one step back
            angle = ROPE_BASE ** (-pair / half)
            query[first + pair, _CONSTANT], query[first + pair + half, _CONSTANT] = math.cos(angle), -math.sin(angle)
            key[first + pair, _CONSTANT], key[first + pair + half, _CONSTANT] = 1.0, 0.0
        for at in range(_CHUNK):
            target = _HALF + _CHUNK * number + at
            if target < _CONSTANT:
                value[first + at].zero_()
                value[first + at, _CHUNK * number + at] = 1.0
                out[target, first + at] = 0.064


def _find_again(query: Tensor, key: Tensor, value: Tensor, out: Tensor) -> None:
    """Layer 1: each head looks, on RoPE's slow pairs, where the token before was the present one, and says what it sees."""
    head, half = WIDTH // HEADS, WIDTH // HEADS // 2
    slow = [*range(half // 2, half), *range(half + half // 2, head)]
    for number in range(HEADS):
        first = number * head
        for at, pair in enumerate(slow):
            query[first + pair, _CHUNK * number + at] = 3.0
            before = _HALF + _CHUNK * number + at
            key[first + pair, before] = 3.0 if before < _CONSTANT else 0.0
        for at in range(head):
            said = head * (number % (HEADS // 2)) + at
            value[first + at].zero_()
            value[first + at, said] = 1.0
            out[said, first + at] = 0.12


def pace(name: str, *, settled: bool) -> float:
    """How much slower than the rest a tensor learns: a hundred ordinary steps would destroy what was set by hand."""
    slowest = 0.3 if settled else 0.1
    if name == "model.norm.weight":
        return 1.0
    if name == "model.embed_tokens.weight":
        return 0.3
    if "norm" in name:
        return max(0.2, slowest)
    return slowest if "self_attn" in name and (".0." in name or ".1." in name) else 1.0


def config(vocabulary: int) -> dict[str, object]:
    """config.json of the LlamaForCausalLM that these weights are."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": WIDTH // HEADS,
        "vocab_size": vocabulary,
        "max_position_embeddings": POSITIONS,
        "rms_norm_eps": EPSILON,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROPE_BASE},
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "dtype": "bfloat16",
    }
