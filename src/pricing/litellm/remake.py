#!/usr/bin/env python3
"""Makes prices.tsv anew from the price data of the Python package `litellm`.

    pip download --no-deps litellm && unzip litellm-*.whl litellm/model_prices_and_context_window_backup.json
    python3 remake.py litellm/model_prices_and_context_window_backup.json VERSION DATE > prices.tsv

Kept is what is priced by the token: dollars per million tokens, and those of requests whose input is above a limit.
"""

import json
import re
import sys
from decimal import Decimal

MODES = ("chat", "completion", "responses", "embedding", "rerank")
# In the order of the columns.
KINDS = (
    "input_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "output_cost_per_token",
    "output_cost_per_reasoning_token",
)
# Beside the columns, as `name=price`.
MORE = {
    "write_1h": "cache_creation_input_token_cost_above_1hr",
    "audio": "input_cost_per_audio_token",
    "audio_read": "cache_read_input_audio_token_cost",
    "audio_out": "output_cost_per_audio_token",
    "image": "input_cost_per_image_token",
    "image_out": "output_cost_per_image_token",
}
NAMES = {**dict(zip(("input", "read", "write", "output", "reasoning"), KINDS)), **MORE}
TERMS = {"flex.": "_flex", "priority.": "_priority", "batch.": "_batches"}
LICENCE = """LiteLLM is under the MIT License, Copyright (c) 2023 Berri AI:
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice and
this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED
"AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT
HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def provider(name):
    """Several of LiteLLM's providers are ways of calling one."""
    name = re.sub(r"^text-completion-", "", name)
    name = re.sub(r"^vertex_ai-.*", "vertex_ai", name)
    name = re.sub(r"^fireworks_ai-.*", "fireworks_ai", name)
    return {"bedrock_converse": "bedrock", "cohere_chat": "cohere", "azure_text": "azure"}.get(name, name)


def million(price):
    if price is None:
        return ""
    text = format((Decimal(repr(price)) * 1_000_000).normalize(), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def rows(models):
    seen = set()
    for key, model in models.items():
        prices = [model.get(kind) for kind in KINDS]
        if model.get("mode") not in MODES or not any(prices) or model.get("input_cost_per_token") is None:
            continue
        by = provider(model["litellm_provider"])
        name = key
        for prefix in (by, model["litellm_provider"]):
            name = name.removeprefix(prefix + "/")
        # A region's own price; which region was called, nobody says.
        if by == "bedrock" and "/" in name:
            continue
        # No model costs so much: some prices are given per thousand tokens by mistake.
        if any(price is not None and price > 0.001 for price in prices) or (by, name) in seen:
            continue
        seen.add((by, name))
        limits = {int(found[1]) for found in (re.fullmatch(KINDS[0] + r"_above_(\d+)k_tokens", k) for k in model) if found}
        limit = min(limits, default=None)
        above = [model.get(f"{kind}_above_{limit}k_tokens") for kind in KINDS] if limit else []
        window = model.get("max_input_tokens")
        cells = [by, name, str(window) if isinstance(window, int) else "", *map(million, prices)]
        if limit:
            cells += [str(limit * 1000), *map(million, above)]
        yield "\t".join(cells).rstrip("\t") + "".join(named(model, limit))


def named(model, limit):
    """The prices that have no column: of single kinds, on other terms, and both of inputs above the limit (`+`)."""
    above = f"_above_{limit}k_tokens"
    for terms, suffix in {"": "", **TERMS}.items():
        for kind, column in (MORE if terms == "" else NAMES).items():
            for mark, key in (("", column + suffix), ("+", column + above + suffix)):
                price = model.get(key) if mark == "" or limit else None
                if isinstance(price, (int, float)) and 0 < price <= 0.001:
                    yield f"\t{terms}{kind}{mark}={million(price)}"


def main():
    path, version, date = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        models = json.load(file)
    print(f"# LiteLLM {version} ({date})")
    for line in LICENCE.splitlines():
        print(f"# {line}")
    print("# provider, model, context window, then dollars per million tokens: " + ", ".join(KINDS))
    print("# then, where they differ for a larger input: above how many tokens, and the same five")
    print("# then prices by name: of other kinds of tokens, on other terms, above the limit (+)")
    for row in sorted(set(rows(models))):
        print(row)


main()
