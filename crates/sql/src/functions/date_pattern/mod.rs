//! Patterns of Java's `DateTimeFormatter`, such as `yyyy-MM-dd'T'HH:mm:ss[.SSS]`, compiled once.
//!
//! Letters, widths and optional sections follow the documentation of `java.time.format.DateTimeFormatter`
//! (Java 17), with English texts and the weeks of the United States, as in Flink. [`DatePattern::format`]
//! writes a wall-clock time, [`DatePattern::parse`] reads one.

mod format;
mod names;
mod parse;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DatePattern {
    parts: Vec<PatternPart>,
}

#[derive(Debug, Clone, PartialEq)]
enum PatternPart {
    Literal(char),
    Number(NumberPart),
    /// A two-digit year, 2000 to 2099.
    TwoDigitYear {
        field: DateField,
        subsequent: usize,
    },
    /// A decimal point and all digits of the fraction; used only by Flink's own default pattern.
    PointAndFraction,
    Text {
        field: DateField,
        style: TextStyle,
    },
    /// A zone or offset: it is parsed and ignored, and cannot be formatted.
    Zone {
        letter: char,
        count: usize,
    },
    Optional(Vec<PatternPart>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct NumberPart {
    field: DateField,
    min: usize,
    max: usize,
    sign: Sign,
    /// Number of digits reserved for the fixed-width numbers directly after this one.
    subsequent: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// A minus sign if the number is negative.
    Normal,
    Never,
    /// A plus sign if the number is wider than its minimum width.
    ExceedsPad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextStyle {
    Short,
    Full,
    Narrow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DateField {
    Era,
    Year,
    YearOfEra,
    WeekBasedYear,
    Quarter,
    Month,
    Week,
    WeekOfMonth,
    DayOfYear,
    DayOfMonth,
    /// Ordinal of the weekday within its month.
    WeekdayInMonth,
    /// 1 for Monday.
    Weekday,
    /// 1 for Sunday.
    LocalWeekday,
    HalfDay,
    /// The hours count 0-23, 1-24, 0-11 and 1-12.
    Hour,
    ClockHour,
    HourOfHalf,
    ClockHourOfHalf,
    Minute,
    Second,
    Nano,
    /// The leading digits of the nanosecond, as many as the number is wide.
    Fraction,
    MilliOfDay,
    NanoOfDay,
    JulianDay,
}

const FIELDS: usize = DateField::JulianDay as usize + 1;

impl DatePattern {
    /// Compiles a pattern. The error says what is wrong with it.
    pub(super) fn compile(pattern: &str) -> Result<DatePattern, String> {
        let mut compiler = Compiler { open: vec![Section::default()] };
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;

        while at < chars.len() {
            let letter = chars[at];
            match letter {
                'a'..='z' | 'A'..='Z' => {
                    let count = chars[at..].iter().take_while(|c| **c == letter).count();
                    compiler.letters(letter, count)?;
                    at += count;
                    continue;
                }
                '\'' => {
                    let Some(length) = compiler.quoted(&chars[at + 1..]) else {
                        return Err(format!("the date pattern `{pattern}` has an unfinished quote"));
                    };
                    at += length;
                }
                '[' => compiler.open.push(Section::default()),
                ']' => {
                    let section = compiler.open.pop().unwrap_or_default();
                    let Some(outer) = compiler.open.last_mut() else {
                        return Err(format!("the date pattern `{pattern}` closes a `[` that is not open"));
                    };
                    outer.push(PatternPart::Optional(section.parts));
                }
                '{' | '}' | '#' => {
                    return Err(format!("the date pattern `{pattern}` has a reserved `{letter}`"));
                }
                other => compiler.last().push(PatternPart::Literal(other)),
            }
            at += 1;
        }

        // Sections that are still open end with the pattern.
        while compiler.open.len() > 1 {
            let section = compiler.open.pop().unwrap_or_default();
            compiler.last().push(PatternPart::Optional(section.parts));
        }

        Ok(DatePattern { parts: compiler.open.pop().unwrap_or_default().parts })
    }

    /// Returns the pattern of `CAST(… AS TIMESTAMP)`: `yyyy-[MM][M]-[dd][d]`, and optionally `
    /// [HH][H]:[mm][m]:[ss][s]` and a fraction.
    pub(super) fn of_cast() -> DatePattern {
        let mut pattern = DatePattern::compile("yyyy-[MM][M]-[dd][d][ [HH][H]:[mm][m]:[ss][s]]")
            .expect("this pattern is well formed");
        if let Some(PatternPart::Optional(time)) = pattern.parts.last_mut() {
            time.push(PatternPart::PointAndFraction);
        }
        pattern
    }
}

/// The parts of one section, and the index of the number to which directly following numbers belong.
#[derive(Debug, Default)]
struct Section {
    parts: Vec<PatternPart>,
    adjacent: Option<usize>,
}

impl Section {
    fn push(&mut self, part: PatternPart) {
        self.parts.push(part);
        self.adjacent = None;
    }

    /// Adds a number. Fixed-width numbers directly behind another number reserve their digits at the first
    /// one.
    fn push_number(&mut self, part: PatternPart, fixed_width: Option<usize>) {
        let first = self.adjacent.and_then(|at| self.parts.get_mut(at));
        let adjacent = match (first, fixed_width) {
            (
                Some(
                    PatternPart::Number(NumberPart { subsequent, .. })
                    | PatternPart::TwoDigitYear { subsequent, .. },
                ),
                Some(width),
            ) => {
                *subsequent += width;
                self.adjacent
            }
            _ => Some(self.parts.len()),
        };
        self.parts.push(part);
        self.adjacent = adjacent;
    }
}

struct Compiler {
    open: Vec<Section>,
}

impl Compiler {
    fn last(&mut self) -> &mut Section {
        if self.open.is_empty() {
            self.open.push(Section::default());
        }
        self.open.last_mut().expect("one was pushed just before")
    }

    /// Reads text up to the closing quote; a doubled quote is a literal one. Returns the number of characters
    /// read.
    fn quoted(&mut self, rest: &[char]) -> Option<usize> {
        if rest.first() == Some(&'\'') {
            self.last().push(PatternPart::Literal('\''));
            return Some(1);
        }
        let mut at = 0;
        loop {
            match (rest.get(at)?, rest.get(at + 1)) {
                ('\'', Some('\'')) => {
                    self.last().push(PatternPart::Literal('\''));
                    at += 2;
                }
                ('\'', _) => return Some(at + 1),
                (c, _) => {
                    self.last().push(PatternPart::Literal(*c));
                    at += 1;
                }
            }
        }
    }

    fn number(&mut self, field: DateField, min: usize, max: usize, sign: Sign) {
        let fixed = (min == max && sign == Sign::Never).then_some(max);
        self.last()
            .push_number(PatternPart::Number(NumberPart { field, min, max, sign, subsequent: 0 }), fixed);
    }

    fn letters(&mut self, letter: char, count: usize) -> Result<(), String> {
        use DateField::*;
        let too_many = || Err(format!("too many pattern letters: {}", letter.to_string().repeat(count)));

        let field = match letter {
            'G' => Era,
            'u' => Year,
            'y' => YearOfEra,
            'Y' => WeekBasedYear,
            'Q' | 'q' => Quarter,
            'M' | 'L' => Month,
            'w' => Week,
            'W' => WeekOfMonth,
            'D' => DayOfYear,
            'd' => DayOfMonth,
            'F' => WeekdayInMonth,
            'E' => Weekday,
            'e' | 'c' => LocalWeekday,
            'a' => HalfDay,
            'H' => Hour,
            'k' => ClockHour,
            'K' => HourOfHalf,
            'h' => ClockHourOfHalf,
            'm' => Minute,
            's' => Second,
            'S' => Fraction,
            'n' => Nano,
            'A' => MilliOfDay,
            'N' => NanoOfDay,
            'g' => JulianDay,
            'V' | 'v' | 'z' | 'O' | 'X' | 'x' | 'Z' => {
                self.last().push(PatternPart::Zone { letter, count });
                return Ok(());
            }
            _ => return Err(format!("unknown or unsupported pattern letter: {letter}")),
        };

        let text = |style| PatternPart::Text { field, style };
        match (field, count) {
            (Year | YearOfEra | WeekBasedYear, 2) => {
                self.last().push_number(PatternPart::TwoDigitYear { field, subsequent: 0 }, Some(2));
            }
            (Year | YearOfEra | WeekBasedYear, 1 | 3) => self.number(field, count, 19, Sign::Normal),
            (Year | YearOfEra | WeekBasedYear, _) if count <= 19 => {
                self.number(field, count, 19, Sign::ExceedsPad)
            }
            (Era | Weekday, 1..=3) => self.last().push(text(TextStyle::Short)),
            (Quarter | Month | LocalWeekday, 3) => self.last().push(text(TextStyle::Short)),
            (Era | Weekday | Quarter | Month | LocalWeekday, 4) => self.last().push(text(TextStyle::Full)),
            (Era | Weekday | Quarter | Month | LocalWeekday, 5) => self.last().push(text(TextStyle::Narrow)),
            (HalfDay, 1) => self.last().push(text(TextStyle::Short)),
            (DayOfYear, 2 | 3) => self.number(field, count, 3, Sign::Never),
            (Fraction, 1..=9) => self.number(field, count, count, Sign::Never),
            (Nano | MilliOfDay | NanoOfDay, 1..=19) => self.number(field, count, 19, Sign::Never),
            (JulianDay, 1..=19) => self.number(field, count, 19, Sign::Normal),
            (WeekOfMonth | WeekdayInMonth, 1) => self.number(field, 1, 19, Sign::Normal),
            (LocalWeekday, 2) if letter == 'c' => return too_many(),
            (Era | Weekday | HalfDay | Fraction | WeekOfMonth | WeekdayInMonth, _) => return too_many(),
            (_, 1) => self.number(field, 1, 19, Sign::Normal),
            (_, 2) => self.number(field, 2, 2, Sign::Never),
            _ => return too_many(),
        }

        Ok(())
    }
}
