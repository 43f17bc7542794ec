"""Steps that look at one category at a time: they are tabulated.

HashingEncoder is one of them only where it is given a single column; more are hashed into
common columns, which `tabulate` finds and refuses.
"""

import category_encoders
from sklearn import preprocessing

from slipway.compile.registry import tabulated
from slipway.training import _pycaret

tabulated(
    _pycaret.RARE_CATEGORY_GROUPING,
    preprocessing.OrdinalEncoder,
    preprocessing.OneHotEncoder,
    preprocessing.TargetEncoder,
)
tabulated(*(getattr(category_encoders, name) for name in category_encoders.__all__))
