"""The local engine: a Qwen3 or Llama decoder in torch behind three wire protocols, in its own process and environment.

It speaks SGLang's ``/v1/score`` (packed, nothing decoded), OpenAI's ``/v1/completions`` (continuous batching over a KV
cache) and the rerank shape of Cohere and Jina. Start it with ``python -m models.engine --bundle DIR --role ranker``.
Nothing here is imported by a service: services reach it over HTTP.

From the model outwards:

    shape, checkpoint, weights    what stands in the bundle
    kernels, layers, attention    the forward pass
    packing, scoring              items of several requests, each beside its prefix
    sequence_cache, decoding, sampling, completion    prompt in, tokens out
    turns, jobs, score_lane, generate_lane, worker    who computes next, on one thread
    protocol, intake, rerank, admission, answers, server, __main__    HTTP
    bench                         what it makes of this machine
"""
