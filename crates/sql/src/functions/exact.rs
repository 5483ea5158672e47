//! Functions on doubles with bit-identical results to Flink.
//!
//! Flink calls `java.lang.Math`. For some functions HotSpot has its own code, which is correctly rounded
//! except for about one value in a thousand. Therefore logarithms, sine, cosine and tangent are computed with
//! twice the digits and rounded once. If the digits lie so close to the midpoint of two doubles that HotSpot
//! could return either, the result of the older fdlibm is used (`libm` is a port of it). The other functions
//! follow fdlibm on every machine: `libm` has the inverse trigonometric ones; the hyperbolic ones and `atan2`
//! are built from its parts by the formulas in fdlibm's comments.
//!
//! A number with twice the digits is the sum of two doubles, as in T. J. Dekker, "A Floating-Point Technique
//! for Extending the Available Precision", 1971: the second is at most half a unit in the last place of the
//! first.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, PI, SQRT_2};

/// The part of pi below the digits of a double.
const PI_REST: f64 = 1.224_646_799_147_353_2e-16;

/// Largest angle: beyond it, subtracting multiples of pi / 2 leaves too few digits.
const MAX_ANGLE: f64 = 1e6;

/// Distance from the midpoint of two doubles, in units in the last place, within which fdlibm decides.
const UNDECIDED: f64 = 0.003;

/// The sum of two doubles whose digits do not overlap.
#[derive(Debug, Clone, Copy)]
struct Twice {
    high: f64,
    low: f64,
}

impl Twice {
    const ONE: Twice = Twice { high: 1.0, low: 0.0 };
    const LN_2: Twice = Twice { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };
    const LOG10_E: Twice = Twice { high: std::f64::consts::LOG10_E, low: 1.098_319_650_216_765e-17 };

    fn of(value: f64) -> Twice {
        Twice { high: value, low: 0.0 }
    }

    /// Returns the exact sum.
    fn sum(a: f64, b: f64) -> Twice {
        let high = a + b;
        let of_b = high - a;
        Twice { high, low: (a - (high - of_b)) + (b - of_b) }
    }

    /// Returns the exact product.
    fn product(a: f64, b: f64) -> Twice {
        let high = a * b;
        Twice { high, low: a.mul_add(b, -high) }
    }

    fn negated(self) -> Twice {
        Twice { high: -self.high, low: -self.low }
    }

    fn plus(self, other: Twice) -> Twice {
        let (high, low) = (Twice::sum(self.high, other.high), Twice::sum(self.low, other.low));
        let first = Twice::sum(high.high, high.low + low.high);
        Twice::sum(first.high, first.low + low.low)
    }

    fn times(self, other: Twice) -> Twice {
        let product = Twice::product(self.high, other.high);
        Twice::sum(product.high, product.low + (self.high * other.low + self.low * other.high))
    }

    /// Divides by long division, the digits of one double at a time.
    fn over(self, other: Twice) -> Twice {
        let first = self.high / other.high;
        let rest = self.plus(other.times(Twice::of(-first)));
        let second = rest.high / other.high;
        let rest = rest.plus(other.times(Twice::of(-second)));
        Twice::sum(first, second).plus(Twice::of(rest.high / other.high))
    }

    /// Returns the nearest double, or `other` if the value is too close to a midpoint.
    fn rounded_or(self, other: f64) -> f64 {
        let unit = (f64::from_bits(self.high.to_bits() + 1) - self.high).abs();
        let distance = (self.low / unit).abs();
        if (distance - 0.5).abs() < UNDECIDED { other } else { self.high }
    }
}

/// Returns the logarithm to base 10.
pub(super) fn log10(x: f64) -> f64 {
    if x > 0.0 && x.is_finite() { logarithm(x).times(Twice::LOG10_E).high } else { x.log10() }
}

/// Returns the natural logarithm of a positive, finite number.
///
/// With x = m · 2^k and s = (m - 1) / (m + 1), ln m = 2 (s + s³/3 + s⁵/5 + …); s is at most 0.18.
fn logarithm(x: f64) -> Twice {
    const MANTISSA: u64 = (1 << 52) - 1;
    let is_subnormal = x < f64::MIN_POSITIVE;
    let bits = if is_subnormal { x * (1u64 << 54) as f64 } else { x }.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023 - if is_subnormal { 54 } else { 0 };
    let mut m = f64::from_bits(bits & MANTISSA | 1023 << 52);
    if m > SQRT_2 {
        m /= 2.0;
        exponent += 1;
    }

    let s = Twice::of(m - 1.0).over(Twice::sum(m, 1.0));
    let square = s.times(s);
    let mut series = Twice::of(0.0);
    for n in (1..=47).rev().step_by(2) {
        series = series.times(square).plus(Twice::ONE.over(Twice::of(f64::from(n))));
    }
    let half = series.times(s);
    half.plus(half).plus(Twice::LN_2.times(Twice::of(f64::from(exponent))))
}

pub(super) fn sin(x: f64) -> f64 {
    sine_and_cosine(x).map_or_else(|| x.sin(), |(sine, _)| sine.rounded_or(libm::sin(x)))
}

pub(super) fn cos(x: f64) -> f64 {
    sine_and_cosine(x).map_or_else(|| x.cos(), |(_, cosine)| cosine.rounded_or(libm::cos(x)))
}

pub(super) fn tan(x: f64) -> f64 {
    sine_and_cosine(x).map_or_else(|| x.tan(), |(sine, cosine)| sine.over(cosine).rounded_or(libm::tan(x)))
}

/// Returns sine and cosine by their series, after subtracting multiples of pi / 2; `None` for large and tiny
/// angles and NaN.
fn sine_and_cosine(x: f64) -> Option<(Twice, Twice)> {
    // Pi / 2 in three parts.
    const PARTS: [f64; 3] = [FRAC_PI_2, PI_REST / 2.0, -1.497_384_904_859_183_3e-33];
    if !(1e-8..MAX_ANGLE).contains(&x.abs()) {
        return None;
    }
    let quarter = (x * FRAC_2_PI).round();
    let first = Twice::product(-quarter, PARTS[0]);
    let r = Twice::sum(x, first.high)
        .plus(Twice::of(first.low))
        .plus(Twice::product(-quarter, PARTS[1]))
        .plus(Twice::of(-quarter * PARTS[2]));

    // Evaluate from the last term to the first: 1 - r² / (n (n - 1)) · (the later terms).
    let square = r.times(r);
    let series = |last: i32| {
        let mut terms = Twice::ONE;
        let mut n = last;
        while n > 1 {
            let next = square.times(terms).over(Twice::of(f64::from(n * (n - 1))));
            terms = Twice::ONE.plus(next.negated());
            n -= 2;
        }
        terms
    };
    let (sine, cosine) = (series(27).times(r), series(28));
    Some(match (quarter as i64).rem_euclid(4) {
        0 => (sine, cosine),
        1 => (cosine, sine.negated()),
        2 => (sine.negated(), cosine.negated()),
        _ => (cosine.negated(), sine),
    })
}

/// Computes fdlibm's `sinh`: from e^x - 1 for small x, from e^x for large x, and from its square root near
/// the overflow.
pub(super) fn sinh(x: f64) -> f64 {
    let size = x.abs();
    let half = if x < 0.0 { -0.5 } else { 0.5 };
    let tiny = 2f64.powi(-28);
    if !x.is_finite() || size < tiny {
        x
    } else if size < 22.0 {
        let t = libm::expm1(size);
        if size < 1.0 { half * (2.0 * t - t * t / (t + 1.0)) } else { half * (t + t / (t + 1.0)) }
    } else {
        let root = if size < OVERFLOW { 1.0 } else { libm::exp(0.5 * size) };
        let rest = if size < OVERFLOW { libm::exp(size) } else { root };
        half * rest * root
    }
}

/// Where e^x exceeds the range of doubles.
const OVERFLOW: f64 = 709.782_712_893_384;

/// Computes fdlibm's `cosh`.
pub(super) fn cosh(x: f64) -> f64 {
    let size = x.abs();
    if !x.is_finite() {
        size
    } else if size < 0.5 * std::f64::consts::LN_2 {
        let t = libm::expm1(size);
        let w = 1.0 + t;
        if size < 2f64.powi(-55) { w } else { 1.0 + (t * t) / (w + w) }
    } else if size < 22.0 {
        let t = libm::exp(size);
        0.5 * t + 0.5 / t
    } else if size < OVERFLOW {
        0.5 * libm::exp(size)
    } else {
        let root = libm::exp(0.5 * size);
        0.5 * root * root
    }
}

/// Computes fdlibm's `tanh`.
pub(super) fn tanh(x: f64) -> f64 {
    let size = x.abs();
    if x.is_nan() || size < 2f64.powi(-55) {
        return x;
    }
    let value = if size >= 22.0 {
        1.0
    } else if size >= 1.0 {
        1.0 - 2.0 / (libm::expm1(2.0 * size) + 2.0)
    } else {
        let t = libm::expm1(-2.0 * size);
        -t / (t + 2.0)
    };
    value.copysign(x)
}

/// Computes fdlibm's `atan2`.
pub(super) fn atan2(y: f64, x: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let angle = match (x.is_infinite(), y.is_infinite()) {
        (true, true) => FRAC_PI_4,
        (true, false) => 0.0,
        (false, true) => FRAC_PI_2,
        (false, false) if y == 0.0 => 0.0,
        (false, false) if x == 0.0 => FRAC_PI_2,
        (false, false) => quotient_angle(y, x),
    };

    let turned = match (x.is_sign_negative(), angle) {
        (false, angle) => angle,
        (true, 0.0) => PI,
        (true, FRAC_PI_2) if x == 0.0 || y.is_infinite() => FRAC_PI_2,
        (true, FRAC_PI_4) if x.is_infinite() => 3.0 * FRAC_PI_4,
        (true, angle) => PI - (angle - PI_REST),
    };

    turned.copysign(y)
}

/// Returns the first-quadrant angle of two numbers that are neither zero nor infinite.
fn quotient_angle(y: f64, x: f64) -> f64 {
    let exponent = |v: f64| (v.to_bits() >> 32 & 0x7fff_ffff) as i32;
    let apart = (exponent(y) - exponent(x)) >> 20;
    if apart > 60 {
        FRAC_PI_2 + 0.5 * PI_REST
    } else if x < 0.0 && apart < -60 {
        0.0
    } else {
        libm::atan((y / x).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_those_of_java() {
        assert!(sin(f64::INFINITY).is_nan() && atan2(f64::NAN, 1.0).is_nan() && log10(-1.0).is_nan());
        assert_eq!((sin(-0.0).to_bits(), tan(-0.0).to_bits()), ((-0.0f64).to_bits(), (-0.0f64).to_bits()));
        assert_eq!((sinh(-0.0).to_bits(), tanh(-0.0).to_bits()), ((-0.0f64).to_bits(), (-0.0f64).to_bits()));
        assert_eq!((sinh(1e3), sinh(-1e3)), (f64::INFINITY, f64::NEG_INFINITY));
        assert_eq!((cosh(-1e3), cosh(f64::NEG_INFINITY)), (f64::INFINITY, f64::INFINITY));
        assert_eq!((tanh(f64::INFINITY), tanh(-50.0)), (1.0, -1.0));
        assert_eq!((log10(0.0), log10(f64::INFINITY)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((log10(1e-320).round(), log10(1e300)), (-320.0, 300.0));

        for (y, x, angle) in [
            (0.0, -1.0, PI),
            (-0.0, -1.0, -PI),
            (-0.0, 1.0, -0.0),
            (1.0, 0.0, FRAC_PI_2),
            (-1.0, -0.0, -FRAC_PI_2),
            (f64::INFINITY, f64::NEG_INFINITY, 3.0 * FRAC_PI_4),
            (1.0, f64::NEG_INFINITY, PI),
            (f64::NEG_INFINITY, -5.0, -FRAC_PI_2),
            (1e-300, -1e300, PI),
            (1e300, 1e-300, FRAC_PI_2),
        ] {
            assert_eq!(atan2(y, x).to_bits(), angle.to_bits(), "{y} {x}");
        }
    }

    /// Compares with Java 17's `Math`, in the order of the test's list; the last answer is `atan2(x, 3)`.
    #[test]
    fn answers_are_those_of_java() {
        for (x, answers) in ANSWERS {
            let got = [sin(x), cos(x), tan(x), log10(x), sinh(x), cosh(x), tanh(x), atan2(x, 3.0)];
            assert_eq!(got.map(f64::to_bits), answers.map(f64::to_bits), "{x}: {got:?}");
        }
    }

    #[rustfmt::skip]
    #[expect(clippy::excessive_precision, reason = "the digits are those that Java prints")]
    const ANSWERS: [(f64, [f64; 8]); 15] = [
        (0.1, [0.09983341664682815, 0.9950041652780258, 0.10033467208545055, -1.0, 0.10016675001984403, 1.0050041680558035, 0.09966799462495582, 0.033320995878247196]),
        (0.37, [0.361615431964962, 0.9323273456060345, 0.38786316165584905, -0.431798275933005, 0.3785001420129849, 1.0692344726503396, 0.35399171247704597, 0.12271363369000639]),
        (0.75, [0.6816387600233341, 0.7316888688738209, 0.9315964599440725, -0.12493873660829995, 0.82231673193583, 1.2946832846768448, 0.6351489523872873, 0.24497866312686414]),
        (1.0, [0.8414709848078965, 0.5403023058681398, 1.5574077246549023, 0.0, 1.1752011936438014, 1.543080634815244, 0.7615941559557649, 0.3217505543966422]),
        (1.9, [0.9463000876874145, -0.32328956686350335, -2.9270975146777736, 0.2787536009528289, 3.2681629115283166, 3.417731530750952, 0.9562374581277391, 0.5645693936681]),
        (2.5, [0.5984721441039564, -0.8011436155469337, -0.7470222972386603, 0.3979400086720376, 6.0502044810397875, 6.132289479663686, 0.9866142981514303, 0.6947382761967033]),
        (3.3, [-0.1577456941432482, -0.9874797699088649, 0.15974574766003222, 0.5185139398778874, 13.537877876628322, 13.574761044029561, 0.9972829600991421, 0.8329812666744316]),
        (7.77, [0.9964756147406005, 0.08388294956272228, 11.879358319362627, 0.8904210188009143, 1184.2354330710416, 1184.2358552843086, 0.9999996434719782, 1.2023295017137805]),
        (21.9, [0.09102241619984787, -0.9958488438257794, -0.09140183951026604, 1.3404441148401183, 1.621881641788824e9, 1.621881641788824e9, 1.0, 1.4346573659417559]),
        (22.5, [-0.4871745124605095, -0.8733046400935156, 0.5578517393521941, 1.3521825181113625, 2.9552610315116453e9, 2.9552610315116453e9, 1.0, 1.4382447944982226]),
        (43.0, [-0.8317747426285983, 0.5551133015206257, -1.4983873388551707, 1.6334684555795864, 2.3639197341146732e18, 2.3639197341146732e18, 1.0, 1.5011417530663285]),
        (100.25, [-0.2772828564548513, 0.9607883312760612, -0.2885993172779075, 2.00108438129222, 1.725805366562962e43, 1.725805366562962e43, 1.0, 1.5408800678019416]),
        (700.5, [0.07509100210558642, -0.9971766851480127, -0.07530360790017923, 2.8454081396217936, 8.360929810337492e303, 8.360929810337492e303, 1.0, 1.5665136977312766]),
        (710.1, [0.09989340397969447, 0.9949981446421644, 0.10039556808984762, 2.8513195126487454, 1.234473023347593e308, 1.234473023347593e308, 1.0, 1.5665715948534535]),
        (12345.678, [-0.7040813137533816, 0.7101193587160628, -0.9914971407432149, 4.091514945509202, f64::INFINITY, f64::INFINITY, 1.0, 1.5705533267797536]),
    ];
}
