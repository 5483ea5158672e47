//! The texts of questions: Vietnamese sentences about studying, a few asked often and most of them rarely.

use std::collections::HashSet;

use super::draw::{Draw, Weighted};

const WORDS: &str = "học phí kỳ này là bao nhiêu điều kiện tốt nghiệp ngành công nghệ thông tin lịch thi cuối kỳ cách đăng ký môn \
    ký túc xá học bổng quy chế đào tạo điểm rèn luyện thủ tục xin bảo lưu thực tập doanh nghiệp chuẩn đầu ra tiếng Anh \
    giờ mở cửa thư viện phòng đào tạo sinh viên năm nhất chương trình liên kết quốc tế bảo hiểm y tế giấy xác nhận";

/// Exponent of Zipf's law for the popularity of questions.
const ZIPF: f64 = 1.1;

/// A question that is asked repeatedly. None of its forms needs escaping in JSON.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) text: String,
    /// The text in capitals, as some people type.
    pub(crate) shouted: String,
}

/// All texts of a run.
#[derive(Debug)]
pub(crate) struct Texts {
    questions: Vec<Question>,
    popularity: Weighted,
    rewritten: Vec<String>,
    answers: Vec<Answer>,
}

/// An answer with its length in characters.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) length: usize,
}

impl Texts {
    pub(crate) fn new(questions: usize, draw: &mut Draw) -> Texts {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut seen = HashSet::new();
        let mut drawn = Vec::with_capacity(questions);

        while drawn.len() < questions {
            let mut text = capitalised(&sentence(&words, 5, 14, draw));
            if draw.chance(0.5) {
                text.push('?');
            }
            if seen.insert(text.clone()) {
                drawn.push(Question { shouted: text.to_uppercase(), text });
            }
        }

        Texts {
            questions: drawn,
            popularity: Weighted::zipf(questions, ZIPF),
            rewritten: (0..300).map(|_| sentence(&words, 6, 16, draw)).collect(),
            answers: (0..500)
                .map(|_| {
                    let text = sentence(&words, 34, 58, draw);
                    Answer { length: text.chars().count(), text }
                })
                .collect(),
        }
    }

    pub(crate) fn question(&self, draw: &mut Draw) -> &Question {
        &self.questions[self.popularity.draw(draw)]
    }

    pub(crate) fn rewritten(&self, draw: &mut Draw) -> &str {
        &self.rewritten[draw.below(self.rewritten.len())]
    }

    pub(crate) fn answer(&self, draw: &mut Draw) -> &Answer {
        &self.answers[draw.below(self.answers.len())]
    }
}

/// Returns the names of departments, of three words each.
pub(crate) fn departments(n: usize) -> Vec<String> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let word = |i: usize| words[i % words.len()];
    (0..n).map(|i| format!("Khoa {} {} {}", word(i * 7), word(i * 7 + 1), word(i * 7 + 2))).collect()
}

fn sentence(words: &[&str], shortest: usize, longest: usize, draw: &mut Draw) -> String {
    let count = draw.between(shortest, longest);
    let chosen: Vec<&str> = (0..count).map(|_| words[draw.below(words.len())]).collect();
    chosen.join(" ")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
