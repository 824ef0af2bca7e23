"""Judged sets outside the generator's world: real ads and occupation titles, graded by stated rules.

Two sets are made from the evaluation data that lie beside the checkout and are never copied into it:

``ads``   queries drawn from O*NET and ESCO wording plus a wish (place, remote, pay, clearance, grade ...), over real
          ads of USAJOBS and EMSCAD. The rules: :mod:`titles` (which occupation an ad is), :mod:`wishes` (what it says
          and whether that answers a wish), :mod:`grades` (0 to 4), :mod:`ads` (which ads and candidates).
``melo``  O*NET titles against ESCO titles, relevant or not, as MELO judged them; :mod:`melo` says how candidates are
          chosen.

What these sets cannot say: the grades come from rules, not from people, so an ad of the right kind under a title that
O*NET does not know is left out, and a fact that the publisher put into words only counts as not stated. The ads are of
2012-2014 and 2022-2023, most of them American. Titles carry no body: on ``melo`` the ranker reads a header of one
segment, which it was not trained for. Needs no torch.
"""

from models.training.judged.ads import ads_set
from models.training.judged.files import EvaluationData, find_evaluation_data
from models.training.judged.melo import melo_set
from models.training.judged.sets import Item, JudgedSet, Ranking

__all__ = ["EvaluationData", "Item", "JudgedSet", "Ranking", "ads_set", "find_evaluation_data", "melo_set"]
