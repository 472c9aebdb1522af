"""At which sides a backbone looks."""

from tamis.neural.backbones.spec import BackboneSpec
from tamis.neural.backbones.views import sides_for
from tamis.neural.language.shapes import ImageShape

SMALL = BackboneSpec("tamis", "small", side=96, fixed=False)


def test_a_backbone_that_takes_any_side_is_asked_for_none_that_images_do_not_have():
    assert sides_for(SMALL, ImageShape(1, 28, 28)) == (32,)
    assert sides_for(SMALL, ImageShape(1, 64, 64)) == (48, 64)
    assert sides_for(SMALL, ImageShape(3, 112, 112)) == (48, 96)
    assert sides_for(BackboneSpec("timm", "vit_tiny_patch16_224", side=224), ImageShape(3, 112, 112)) == (224,)
