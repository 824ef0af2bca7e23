"""What SGLang's own code makes of multi-item scoring, as JSON. Runs with its environment's Python, not with the tests'.

    python in_sglang.py flags ARGUMENT...     what its server would be started with
    python in_sglang.py scores BUNDLE         scores of the canaries' items: alone, packed, packed with other delimiters

The tokens, positions, rows and the reading of scores of a packed sequence are computed by SGLang's functions. Not by
them: the forward pass, which is transformers' in float32, and the mask, which is written down here as FlashInfer's
kernel has it (``logits_mask_multi_item_scoring`` in ``include/flashinfer/attention/prefill.cuh``).
"""

# ruff: noqa: SLF001 - SGLang's own steps are the point, and it offers none of them alone

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from sglang.srt.constants import MIS_DELIMITER_TOKEN_ID
from sglang.srt.layers.attention.flashinfer_backend import FlashInferAttnBackend
from sglang.srt.layers.logits_processor import LogitsProcessor
from sglang.srt.managers.tokenizer_manager_score_mixin import TokenizerManagerScoreMixin
from sglang.srt.model_executor.forward_batch_info import ForwardMode
from sglang.srt.server_args import prepare_server_args
from transformers import Qwen3ForCausalLM


class Manager(TokenizerManagerScoreMixin):
    """What the mixin needs of the tokenizer manager here."""

    is_generation = True


def resolved(arguments):
    """The server's arguments after SGLang's own checks and defaults, and the token that it puts between items."""
    args = prepare_server_args(arguments)
    args.resolve_once()
    return args.resolved_dict() | {"delimiter": MIS_DELIMITER_TOKEN_ID}


def mask_of(prefix_tokens, place_in_item):
    """[S, S] True where a row may see a column.

    FlashInfer: no row sees what comes after it; from the first delimiter on a row sees the prefix, and those columns
    for which row < column + its place in its item, where the place is counted from the delimiter before the item.
    """
    size = prefix_tokens + len(place_in_item)
    row, column = torch.arange(size)[:, None], torch.arange(size)[None, :]
    place = torch.cat([torch.full((prefix_tokens,), size), place_in_item.long()])[:, None]
    return (column <= row) & ((column < prefix_tokens) | (row < column + place))


def label_scores(manager, rows, labels, num_items):
    """As the tokenizer manager reads them from the scheduler's answer."""
    meta = {
        "input_token_ids_logprobs": [
            [(value, label, None) for value, label in zip(row, labels, strict=True)] for row in rows
        ]
    }
    result = manager._process_multi_item_scoring_results(
        [{"meta_info": meta}], [()] * num_items, [labels] * num_items, True
    )
    return [scores[0] for scores in result.scores]


def packed_scores(model, query, items, labels, delimiter):
    """[N] scores of the items in one sequence."""
    manager = Manager()
    tokens, delimiters = manager._build_multi_item_token_sequence(query, items, delimiter)
    ids = torch.tensor(tokens)
    batch = SimpleNamespace(
        forward_mode=ForwardMode.EXTEND,
        multi_item_delimiter_indices=[torch.tensor(delimiters)],
        extend_prefix_lens_cpu=[0],
        extend_seq_lens_cpu=[len(tokens)],
        input_ids=ids,
        positions=torch.arange(len(tokens)),
    )
    made = FlashInferAttnBackend._process_multi_item_scoring(SimpleNamespace(enable_mis=True), batch)
    mask = mask_of(int(made.prefix_len_ptr[0]), made.token_pos_in_items_ptr)
    # A delimiter's row sees the prefix alone; of an empty row transformers would make NaN.
    bias = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
    hidden = model.model(
        input_ids=ids[None], position_ids=batch.positions[None], attention_mask=bias[None, None], use_cache=False
    ).last_hidden_state[0]
    metadata = SimpleNamespace(
        extend_seq_lens_cpu=[len(tokens)],
        token_ids_logprobs=[labels],
        extend_token_ids_logprob=True,
        extend_return_top_logprob=False,
        mm_input_embeds=None,
    )
    output = LogitsProcessor.compute_logprobs_for_multi_item_scoring(
        SimpleNamespace(_get_logits=lambda rows, head, _: head(rows)),
        ids,
        hidden,
        model.lm_head,
        metadata,
        batch.multi_item_delimiter_indices,
    )
    (rows,) = output.input_token_ids_logprobs_val
    return label_scores(manager, torch.as_tensor(rows).tolist(), labels, len(items))


@torch.inference_mode()
def scores(bundle):
    """Of the bundle's canaries: all their items after the first one's query."""
    manifest = json.loads((bundle / "precis.json").read_bytes())
    canaries, labels = manifest["canaries"], manifest["label_token_ids"]
    query, items = canaries[0]["query_ids"], [canary["item_ids"] for canary in canaries]
    model = Qwen3ForCausalLM.from_pretrained(bundle, dtype=torch.float32)
    alone = [model(torch.tensor([query + item])).logits[0, -1, labels].softmax(-1)[0].item() for item in items]
    packed = {delimiter: packed_scores(model, query, items, labels, delimiter) for delimiter in (0, 17, 4_000)}
    backwards = packed_scores(model, query, items[::-1], labels, 17)
    return {"alone": alone, "packed": list(packed.values()), "backwards": backwards}


if __name__ == "__main__":
    answer = resolved(sys.argv[2:]) if sys.argv[1] == "flags" else scores(Path(sys.argv[2]))
    sys.stdout.write(json.dumps(answer, default=str))
