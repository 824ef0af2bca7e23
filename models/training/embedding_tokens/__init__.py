"""Embedding tokens: the body of an item as k input vectors of the ranker, in the place of a text summary.

The paper's open question (1): what beyond 95 % compression, where text summaries fall off? MixLM (arXiv 2512.07846)
answers with an encoder that is trained with the ranker. Here, in the order of reading:

    encoder     item -> [K, D]: a Qwen3 body that starts as the ranker's, and K learnt tokens behind the item
    mixed       the ranker reads query, header and the first k of these vectors (places: where they stand)
    material    what is learnt from: items to encode, what a summary would tell of them, queries with grades
    objective   the loss of a step: soft labels, and the ranker's answers where it reads the summary
    words       its third part: the words of the summary, all at once
    bundle      an encoder on disk, and which ranker it belongs to
    train       ``precis train embeddings`` (config: its options)
    measuring   NDCG@10 of vectors and of texts at each k, by the local engine as served (points: what is measured)
    evaluation  ``precis eval embeddings`` (rows, record: with intervals, for people and for the report)
"""
