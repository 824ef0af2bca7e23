"""One posting's whole story.

``gather`` collects what store and topics hold, ``story`` names it, ``explain`` says why it is so.
"""
