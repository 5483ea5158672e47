//! Draws from the distributions of the generated events.
//!
//! All randomness comes from one small generator, so a seed determines every byte. `fastrand` is WyRand with
//! 8 bytes of state. A test pins the bytes of a seed, since the crate does not promise the same sequence for
//! ever.

use std::f64::consts::TAU;

/// The random numbers of a seed.
#[derive(Debug)]
pub(crate) struct Draw {
    rng: fastrand::Rng,
    /// The second of a pair of normal numbers, which Box and Muller's method computes.
    spare: Option<f64>,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Draw {
        Draw { rng: fastrand::Rng::with_seed(seed), spare: None }
    }

    /// Returns a number in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        self.rng.f64()
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns a number in 0..n; 0 if n is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.rng.usize(..n) }
    }

    /// Returns a number in low..=high.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        self.rng.usize(low..=high)
    }

    pub(crate) fn bits(&mut self, n: u32) -> u64 {
        self.rng.u64(..) >> (64 - n)
    }

    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // 1 - u is in (0, 1], where the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let (sin, cos) = (TAU * self.unit()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    pub(crate) fn lognormal(&mut self, mu: f64, sigma: f64) -> f64 {
        (mu + sigma * self.normal()).exp()
    }
}

/// A distribution over 0..n, drawn by bisection of its cumulated weights.
#[derive(Debug)]
pub(crate) struct Weighted {
    /// Ascending, the last is 1.
    cumulated: Vec<f64>,
}

impl Weighted {
    pub(crate) fn new(weights: impl Iterator<Item = f64>) -> Weighted {
        let mut sum = 0.0;
        let mut cumulated: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        for bound in &mut cumulated {
            *bound /= sum;
        }
        Weighted { cumulated }
    }

    /// Zipf's law: draws the item of rank r in proportion to 1 / r^exponent.
    pub(crate) fn zipf(n: usize, exponent: f64) -> Weighted {
        Weighted::new((1..=n).map(|rank| (rank as f64).powf(-exponent)))
    }

    /// Poisson's distribution, cut off where the remaining probability is negligible.
    pub(crate) fn poisson(mean: f64) -> Weighted {
        let mut probability = (-mean).exp();
        Weighted::new((1..=40).map(move |k| {
            let this = probability;
            probability *= mean / f64::from(k);
            this
        }))
    }

    pub(crate) fn draw(&self, draw: &mut Draw) -> usize {
        let at = draw.unit();
        self.cumulated.partition_point(|&bound| bound <= at).min(self.cumulated.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(n: usize, mut draw: impl FnMut() -> f64) -> f64 {
        (0..n).map(|_| draw()).sum::<f64>() / n as f64
    }

    #[test]
    fn poisson_has_its_mean() {
        let (mut draw, poisson) = (Draw::new(1), Weighted::poisson(4.0));
        let mean = mean(100_000, || poisson.draw(&mut draw) as f64);
        assert!((mean - 4.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn lognormal_has_its_mean() {
        let mut draw = Draw::new(1);
        let mean = mean(200_000, || draw.lognormal(6.6, 0.5));
        // exp(mu + sigma² / 2)
        assert!((mean / 832.9 - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn the_first_of_zipf_is_drawn_most() {
        let (mut draw, zipf) = (Draw::new(1), Weighted::zipf(1000, 1.1));
        let mut counts = vec![0u32; 1000];
        for _ in 0..100_000 {
            counts[zipf.draw(&mut draw)] += 1;
        }
        assert!(counts[0] > counts[1] && counts[1] > counts[10] && counts[10] > counts[100]);
        // 2^-1.1 = 0.4665
        assert!((f64::from(counts[1]) / f64::from(counts[0]) - 0.4665).abs() < 0.05);
    }
}
