//! Model A of Issa, Demirci & Yazici 2020 (doi:10.1016/j.bspc.2020.101894), for samples of shape `[193, 1]`.

use super::LayerSpec;

pub fn layers(classes: usize) -> Vec<LayerSpec> {
    vec![
        LayerSpec::conv1d(256, 5),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::conv1d(128, 5),
        LayerSpec::Relu,
        LayerSpec::dropout(0.1),
        LayerSpec::max_pool1d(8),
        LayerSpec::conv1d(128, 5),
        LayerSpec::batch_norm(),
        LayerSpec::Relu,
        LayerSpec::dropout(0.2),
        LayerSpec::Flatten,
        LayerSpec::dense(classes),
    ]
}
