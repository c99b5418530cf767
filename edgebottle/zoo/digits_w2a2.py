"""Recipe of ``digits_w2a2``: weights and activations of 2 bits for the digits of scikit-learn."""

from edgebottle.zoo.digits import RECIPE as INT8_RECIPE
from edgebottle.zoo.digits import load_data
from edgebottle.zoo.recipes import FewBits, Recipe
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import FullConvolution, Residual

RECIPE = Recipe(
    architecture=Architecture(
        (8, 8, 1), Stem(12), (Residual(12), FullConvolution(16, stride=2)), ClassHead(10)
    ),
    augmentation=INT8_RECIPE.augmentation,
    epochs=60,
    batch_size=32,
    learning_rate=4e-3,
    few_bits=FewBits("w2a2", epochs=60),
)

__all__ = ["RECIPE", "load_data"]
