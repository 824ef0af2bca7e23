"""``precis eval report``: every claim of the models, measured anew from the shipped bundles, beside the paper's figure.

    chapter     what a section gives back: figures with intervals, tables, pictures, remarks; plain data
    study       what sections share: bundles, judged sets, summaries, scores of the unchanged ranker
    scorer      rankings by the local engine, of a bundle or of a changed model in memory
    texts       what an item may be read as: written, target, lead, random and best sentences, full text, nothing
    sections    one module a section, one function ``measure(study) -> Chapter`` each; ``SECTIONS`` names them
    recorded    runs that take longer: small JSON files with config hash and date, read and never passed off as new
    recording   ``precis eval record``: makes such a file
    output      Markdown, JSON and pictures out of chapters

Runs in the training environment (scikit-learn, matplotlib).
"""
