//! A convolutional network over mel spectrograms of shape `[130, 128, 1]`: four blocks of convolution, rectifier and
//! pooling, then dense layers.

use super::LayerSpec;

pub fn layers(classes: usize) -> Vec<LayerSpec> {
    let block = |filters| [LayerSpec::conv2d(filters, 3), LayerSpec::Relu, LayerSpec::max_pool2d(2)];
    let mut layers: Vec<LayerSpec> = [32, 32, 64, 64].into_iter().flat_map(block).collect();
    layers.push(LayerSpec::Flatten);
    for units in [128, 64] {
        layers.extend([LayerSpec::dense(units), LayerSpec::Relu]);
    }
    layers.extend([LayerSpec::dropout(0.5), LayerSpec::dense(classes)]);
    layers
}
