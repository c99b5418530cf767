"""Recipe of ``fashion_w2a2``: a ResNet with weights and activations of 2 bits for Fashion-MNIST."""

from edgebottle.zoo.fashion import RECIPE as INT8_RECIPE
from edgebottle.zoo.fashion import load_data
from edgebottle.zoo.recipes import FewBits, Recipe
from quantize.search.architecture import Architecture, ClassHead, Stem
from quantize.search.blocks import Residual

RECIPE = Recipe(
    architecture=Architecture(
        (28, 28, 1),
        Stem(16),
        (Residual(16), Residual(32, stride=2), Residual(64, stride=2)),
        ClassHead(10),
    ),
    augmentation=INT8_RECIPE.augmentation,
    epochs=12,
    batch_size=128,
    learning_rate=4e-3,
    weight_decay=0.02,
    few_bits=FewBits("w2a2", epochs=10),
)
"""As MLPerf Tiny's ResNet-8 (Banbury et al., 2021), of which it has blocks and channels."""

__all__ = ["RECIPE", "load_data"]
