"""Steps that look at one category at a time: they are tabulated."""

from category_encoders import OneHotEncoder, OrdinalEncoder, TargetEncoder
from pycaret.internal.preprocess.transformers import RareCategoryGrouping
from sklearn.impute import SimpleImputer

from slipway.compile.registry import tabulated

tabulated(OneHotEncoder, OrdinalEncoder, TargetEncoder, RareCategoryGrouping, SimpleImputer)
