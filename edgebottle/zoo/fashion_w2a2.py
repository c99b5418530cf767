"""Recipe of ``fashion_w2a2``: a ResNet with weights and activations of 2 bits for Fashion-MNIST."""

from edgebottle.zoo.fashion import RECIPE as INT8_RECIPE
from edgebottle.zoo.fashion import load_data
from edgebottle.zoo.recipes import FewBits, Recipe, Residual

RECIPE = Recipe(
    classes=10,
    stem_channels=16,
    stem_stride=1,
    blocks=(Residual(16), Residual(32, stride=2), Residual(64, stride=2)),
    head_channels=0,
    augmentation=INT8_RECIPE.augmentation,
    epochs=12,
    batch_size=128,
    learning_rate=4e-3,
    weight_decay=0.02,
    few_bits=FewBits("w2a2", epochs=10),
)
"""As MLPerf Tiny's ResNet-8 (Banbury et al., 2021), of which it has blocks and channels."""

__all__ = ["RECIPE", "load_data"]
