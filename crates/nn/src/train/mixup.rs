//! Mixup: which samples of a batch are mixed, and in what shares.

use crate::random::{Purpose, generator, shuffle, symmetric_beta};

/// What a sample of the batch is mixed with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mix {
    /// The other sample's position in the batch; it may be the sample's own.
    pub(crate) partner: usize,
    /// The share of the sample itself.
    pub(crate) share: f32,
}

/// Draws for a step what each of its `samples` samples is mixed with, in a share from Beta(`alpha`, `alpha`). Every sample is
/// partner once, so all count alike.
pub(crate) fn draw(alpha: f64, seed: u64, step: u64, samples: usize) -> Vec<Mix> {
    let mut partners: Vec<usize> = (0..samples).collect();
    shuffle(&mut partners, &mut generator(seed, Purpose::MixupPairs { step }));
    let share = |sample| symmetric_beta(alpha, &mut generator(seed, Purpose::MixupShare { step, sample })) as f32;
    partners.into_iter().enumerate().map(|(sample, partner)| Mix { partner, share: share(sample) }).collect()
}

/// Writes the mixture of two samples.
pub(crate) fn mix(own: &[f32], other: &[f32], share: f32, to: &mut [f32]) {
    for ((to, own), other) in to.iter_mut().zip(own).zip(other) {
        *to = share * own + (1.0 - share) * other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_partner_once_and_shares_are_shares() {
        for samples in [0, 1, 2, 33] {
            let mixes = draw(0.4, 7, 3, samples);
            let mut partners: Vec<usize> = mixes.iter().map(|mix| mix.partner).collect();
            partners.sort_unstable();
            assert_eq!(partners, (0..samples).collect::<Vec<_>>());
            assert!(mixes.iter().all(|mix| (0.0..=1.0).contains(&mix.share)));
        }
    }

    #[test]
    fn draws_depend_on_seed_and_step_alone() {
        assert_eq!(draw(0.4, 7, 3, 20), draw(0.4, 7, 3, 20));
        assert_ne!(draw(0.4, 7, 3, 20), draw(0.4, 7, 4, 20));
        assert_ne!(draw(0.4, 7, 3, 20), draw(0.4, 8, 3, 20));
    }

    #[test]
    fn a_mixture_lies_between_its_parts() {
        let mut to = [0.0; 2];
        mix(&[1.0, -2.0], &[3.0, 2.0], 0.25, &mut to);
        assert_eq!(to, [2.5, 1.0]);
        mix(&[1.0, -2.0], &[3.0, 2.0], 1.0, &mut to);
        assert_eq!(to, [1.0, -2.0]);
    }
}
