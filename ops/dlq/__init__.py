"""Dead letters for operators: list them, look into one, replay after a fix.

``letters`` and ``filters`` decide, ``read`` and ``replay`` talk to Kafka, ``present`` prints, ``command`` puts it all
together.
"""
