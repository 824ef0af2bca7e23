"""Training of the two models: generated data, tokenizer, ranker, summarizer, evaluation. No service imports it."""
