//! A small network over pictures against Keras. The values were printed by `scripts/network_golden.py` with Keras 3.15.1
//! on TensorFlow 2.21.0, in float64.
#![allow(clippy::unreadable_literal)] // As they were printed.

use crate::engine::{Engine, Purpose};
use crate::gradient_check::{assert_near, run};
use crate::layers::Mode;
use crate::{Extent, LayerSpec, Network, Padding};

#[rustfmt::skip]
const OUTPUTS: [f64; 2] = [
    1.60946993, -0.69163135,
];

#[rustfmt::skip]
const PARAMETERS: [f64; 95] = [
    -0.21936725, -0.34617637, 0.58151421, 0.54922984, 0.17445472, 0.07071282, 0.97002615, -0.08945526,
    -0.26110917, -0.79179127, -0.19614858, 0.57657004, -0.05611821, 0.24682377, 0.31216653, 0.60124462,
    0.01430431, 0.16166788, 1.32059485, -1.76942783, 2.09481870, 0.01077861, -0.02155722, 0.03577662,
    -0.07155323, 0.55705947, -1.11411895, -0.02483669, 0.04967339, 0.08304521, -0.16609042, 0.87890029,
    -1.75780058, -0.04955116, 0.09910231, 0.03676985, -0.07353970, 0.68592624, -1.37185249, -0.07896149,
    0.15792298, 0.04630337, -0.09260674, 0.60994277, -1.21988554, -0.04872781, 0.09745562, -0.01468371,
    0.02936741, 0.73396048, -1.46792096, -0.10810934, 0.21621867, 0.02531049, -0.05062099, 1.17690746,
    -2.35381492, -0.10204972, 0.20409944, -0.00950390, 0.01900779, 0.86575874, -1.73151748, -0.11473685,
    0.22947370, 0.01910388, -0.03820775, 0.74131058, -1.48262115, -0.04305540, 0.08611080, -0.04609894,
    0.09219788, 0.39917999, -0.79835997, -0.09747640, 0.19495281, -0.02878320, 0.05756639, 0.68882370,
    -1.37764740, -0.05519298, 0.11038595, -0.03123512, 0.06247025, 0.42844516, -0.85689032, -0.07355340,
    0.14710679, -0.00045021, 0.00090041, 0.39872361, -0.79744722, 1.00000000, -2.00000000,
];

#[rustfmt::skip]
const INPUTS: [f64; 40] = [
    0.38076075, -0.60375883, 0.21395114, 0.49898544, -0.35332993, 0.09036714, 0.02162098, -0.09583529,
    -0.11609789, -0.42104284, 0.47840601, 0.20144934, -0.30963606, 0.11837919, -0.02186735, -0.05333432,
    0.50751714, -0.50952834, 0.13046741, -0.11494827, 0.26811984, 0.22306661, -0.03249719, -0.20358223,
    0.17233420, -0.48245495, -0.15025291, 0.14574820, 0.13360855, 0.29987329, -0.21681974, -0.01943808,
    -0.09177161, 0.04514744, 0.17298329, -0.34246996, 0.10946693, 0.02665001, 0.07341491, 0.03738429,
];

/// An even kernel and a stride leave an odd number of zeros at the ends, which must be where Keras has them.
#[test]
fn pictures_as_in_keras() {
    let extent = |frames, bands| Extent { frames, bands };
    let convolution = |filters, kernel, stride| LayerSpec::Conv2d { filters, kernel, padding: Padding::Same, stride };
    let layers = [
        convolution(3, extent(2, 3), extent(2, 1)),
        LayerSpec::Elu { alpha: 0.5 },
        LayerSpec::MaxPool2d { size: extent(1, 2) },
        convolution(2, extent(3, 4), extent(1, 1)),
        LayerSpec::GlobalAveragePool,
    ];
    let mut network = Network::new(&[5, 8, 1], &layers, 0).unwrap();
    let sines = |factor: f64| (0..).map(move |index| (factor * f64::from(index)).sin() as f32);
    network.parameters.iter_mut().zip(sines(1.3)).for_each(|(to, value)| *to = value);
    let inputs: Vec<f32> = sines(0.7).take(40).collect();
    let mut engine = Engine::new(&network.plan, 1, Purpose::InputGradient);
    let mode = Mode::Training { seed: 0, step: 0 };
    let (outputs, parameters, gradients) = run(&mut engine, &mut network, mode, &inputs, &[1.0, -2.0]);
    assert_near("output", &outputs, &OUTPUTS);
    assert_near("parameter gradient", &parameters, &PARAMETERS);
    assert_near("input gradient", &gradients, &INPUTS);
}
