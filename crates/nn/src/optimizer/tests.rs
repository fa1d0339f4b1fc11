use super::*;

/// Three steps down `f(w) = w²/2` from 1 and -2, so that the gradient is the parameter.
fn descend(spec: &OptimizerSpec) -> Vec<f32> {
    spec.check().unwrap();
    let mut optimizer = Optimizer::new(spec.clone(), 2, std::iter::once(0..1).collect());
    let mut parameters = vec![1.0f32, -2.0];
    for _ in 0..3 {
        let gradients = parameters.clone();
        optimizer.update(spec.learning_rate_at(optimizer.steps()), &mut parameters, &gradients);
    }
    parameters
}

fn assert_near(actual: &[f32], expected: [f64; 2]) {
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((f64::from(*actual) - expected).abs() < 2e-7, "{actual} is not {expected}");
    }
}

// Worked out by hand; PyTorch 2.15 prints the same for these four.

#[test]
fn sgd() {
    // 0.9³ and -2 · 0.9³
    assert_near(&descend(&OptimizerSpec::sgd(0.1)), [0.729, -1.458]);
}

#[test]
fn sgd_with_decay() {
    // 0.1, 0.1/1.5, 0.1/2: 0.9 · (1 - 1/15) · 0.95
    let spec = OptimizerSpec::Sgd { learning_rate: 0.1, momentum: 0.0, nesterov: false, decay: 0.5 };
    assert_near(&descend(&spec), [0.798, -1.596]);
}

#[test]
fn sgd_with_momentum() {
    // v = -0.1, w = 0.9; v = -0.09 - 0.09, w = 0.72; v = -0.162 - 0.072, w = 0.486
    let spec = OptimizerSpec::Sgd { learning_rate: 0.1, momentum: 0.9, nesterov: false, decay: 0.0 };
    assert_near(&descend(&spec), [0.486, -0.972]);
}

#[test]
fn sgd_with_nesterov_momentum() {
    // v = -0.1, w = 1 - 0.09 - 0.1; v = -0.171, w = 0.81 - 0.1539 - 0.081; v = -0.21141, w = 0.5751 - 0.247779
    let spec = OptimizerSpec::Sgd { learning_rate: 0.1, momentum: 0.9, nesterov: true, decay: 0.0 };
    assert_near(&descend(&spec), [0.327_321, -0.654_642]);
}

#[test]
fn adam() {
    // The formula in double precision. Keras 3.15, which rounds the betas to single, prints 0.9106557 and 0.7015890 first.
    // The large ε shows where it stands: PyTorch adds it after correcting the bias and comes to 0.7015863.
    let spec = OptimizerSpec::Adam { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.999, epsilon: 0.1, decay: 0.0 };
    assert_near(&descend(&spec), [0.910_655_128_985, -1.862_659_112_112]);
    assert_near(&descend(&OptimizerSpec::adam(0.1)), [0.701_587_014_865, -1.700_623_758_369]);
}

#[test]
fn adamw() {
    // Printed by scripts/torch_training_golden.py with PyTorch 2.15.0 in float64. The first parameter decays, the second
    // is exempt.
    let strong = OptimizerSpec::AdamW {
        learning_rate: 0.1,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 0.1,
        weight_decay: 0.5,
        decay: 0.0,
    };
    assert_near(&descend(&strong), [0.602_160_902_991, -1.715_174_356_057]);
    assert_near(&descend(&OptimizerSpec::adamw(0.1, 0.01)), [0.698_911_184_716, -1.700_623_392_812]);
}

#[test]
fn adamw_without_decay_of_weights_is_adam_but_for_the_epsilon() {
    let adam = OptimizerSpec::Adam { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-20, decay: 0.3 };
    let adamw = OptimizerSpec::AdamW {
        learning_rate: 0.1,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-20,
        weight_decay: 0.0,
        decay: 0.3,
    };
    for (a, b) in descend(&adam).iter().zip(descend(&adamw)) {
        assert!((a - b).abs() < 3e-7, "{a} {b}");
    }
}

#[test]
fn rmsprop() {
    // Printed by PyTorch 2.15 in float64: RMSprop(lr=0.1, alpha=0.9, eps=0.1) and eps=1e-7.
    let spec = OptimizerSpec::Rmsprop { learning_rate: 0.1, rho: 0.9, epsilon: 0.1, decay: 0.0 };
    assert_near(&descend(&spec), [0.485_010_081_84, -1.385_280_046_41]);
    assert_near(&descend(&OptimizerSpec::rmsprop(0.1)), [0.369_180_7, -1.308_717_95]);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let sgd = |learning_rate, momentum, decay| OptimizerSpec::Sgd { learning_rate, momentum, nesterov: false, decay };
    for spec in [
        sgd(0.0, 0.0, 0.0),
        sgd(-1.0, 0.0, 0.0),
        sgd(f64::NAN, 0.0, 0.0),
        sgd(f64::INFINITY, 0.0, 0.0),
        sgd(0.1, 1.0, 0.0),
        sgd(0.1, 0.0, -0.1),
        OptimizerSpec::Adam { learning_rate: 0.1, beta_1: 1.0, beta_2: 0.9, epsilon: 1e-7, decay: 0.0 },
        OptimizerSpec::Adam { learning_rate: 0.1, beta_1: 0.9, beta_2: f64::NAN, epsilon: 1e-7, decay: 0.0 },
        OptimizerSpec::Adam { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.9, epsilon: 0.0, decay: 0.0 },
        OptimizerSpec::Rmsprop { learning_rate: 0.1, rho: -0.1, epsilon: 1e-7, decay: 0.0 },
        OptimizerSpec::adamw(0.1, -0.1),
        OptimizerSpec::adamw(0.1, 10.0),
        OptimizerSpec::adamw(0.1, f64::NAN),
    ] {
        assert!(matches!(spec.check(), Err(NnError::Parameter { .. })), "{spec:?}");
    }
}

#[test]
fn reads_defaults_and_refuses_unknown_keys() {
    let read = |text| serde_json::from_str::<OptimizerSpec>(text);
    assert_eq!(read(r#"{"kind": "adam"}"#).unwrap(), OptimizerSpec::default());
    assert_eq!(read(r#"{"kind": "rmsprop", "learning_rate": 1e-5}"#).unwrap(), OptimizerSpec::rmsprop(1e-5));
    assert_eq!(read(r#"{"kind": "sgd", "learning_rate": 0.5}"#).unwrap(), OptimizerSpec::sgd(0.5));
    assert_eq!(read(r#"{"kind": "adamw"}"#).unwrap(), OptimizerSpec::adamw(1e-3, 0.01));
    assert!(read(r#"{"kind": "sgd", "rate": 0.5}"#).is_err());
    assert!(read(r#"{"kind": "lion"}"#).is_err());
}

#[test]
fn averages_end_at_zero_not_among_the_subnormals() {
    let mut optimizer = Optimizer::new(OptimizerSpec::adam(1e-3), 1, Vec::new());
    let mut parameters = [1.0];
    optimizer.update(1e-3, &mut parameters, &[1e-17]);
    for _ in 0..2_000 {
        optimizer.update(1e-3, &mut parameters, &[0.0]);
        let (m, v) = (optimizer.first[0], optimizer.second[0]);
        assert!(!m.is_subnormal() && !v.is_subnormal(), "{m:e} {v:e}");
    }
    assert_eq!(optimizer.first[0], 0.0);
}
