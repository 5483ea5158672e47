// Made-up analytics in the shapes of the API: enough of each to see every picture, the same at every run.

/** @typedef {import('../src/api/types').Analytics} Analytics */

const FACULTIES = ['Sinh viên', 'Học sinh', 'Giảng viên', 'Khách'];
const YEARS = ['1', '2', '3', '4', '5', '6'];
const DEPARTMENTS = [
  'Công nghệ thông tin',
  'Quản trị kinh doanh',
  'Kế toán – Kiểm toán',
  'Ngôn ngữ Anh',
  'Kỹ thuật điện – điện tử',
  'Luật kinh tế',
  'Du lịch và lữ hành',
  'Kiến trúc',
  'Y đa khoa',
  'Thiết kế đồ họa',
];
const QUESTIONS = [
  'học phí kỳ này là bao nhiêu?',
  'lịch thi cuối kỳ khi nào có?',
  'điểm chuẩn ngành công nghệ thông tin năm 2025 là bao nhiêu?',
  'làm thế nào để đăng ký học phần trực tuyến?',
  'thủ tục xin giấy xác nhận sinh viên',
  'ký túc xá còn chỗ trống không?',
  'điều kiện xét học bổng khuyến khích học tập',
  'cách tính điểm trung bình tích lũy theo tín chỉ và điều kiện tốt nghiệp loại giỏi',
  'quy định về chuẩn đầu ra tiếng anh',
  'thời gian nghỉ tết nguyên đán',
];
/** The wall clock of the mock: fixed, so that its figures are the same at every run. */
const NOW = Date.UTC(2025, 11, 9, 14, 30);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {number} at */
const iso = (at) => new Date(at).toISOString().slice(0, 19);

/** Something that looks random in 0..1 and is not. @param {number} n */
const noise = (n) => Math.abs(Math.sin(n * 12.9898 + 4.1414) * 43758.5453) % 1;

/** How busy an hour of the day is, 0..1. @param {number} hour */
const busy = (hour) =>
  Math.max(0.03, Math.exp(-((hour - 10) ** 2) / 14) + 0.8 * Math.exp(-((hour - 20) ** 2) / 9));

/** @param {number} step @param {number} count @param {(at: number, index: number) => number} queries */
function series(step, count, queries) {
  const newest = Math.floor(NOW / step) * step;
  return Array.from({ length: count }, (_, index) => {
    const start = newest - (count - 1 - index) * step;
    return {
      timestamp: iso(start + step),
      query_count: queries(start, index),
      window_start: iso(start),
      window_end: iso(start + step),
      // The newest window is open.
      is_final: index < count - 1,
    };
  });
}

/** @returns {Analytics} */
export function fullAnalytics() {
  const faculty = FACULTIES.map((name, n) => ({
    faculty: name,
    is_final: true,
    query_count: [18_240, 6_115, 2_904, 1_387][n] ?? 0,
    unique_users: [9_120, 3_300, 1_100, 900][n] ?? 0,
    last_updated: iso(NOW),
    avg_response_time: [812.46, 768.2, 1_043.9, 690.05][n] ?? 0,
  }));
  const total = faculty.reduce((sum, row) => sum + row.query_count, 0);
  const success_count = Math.round(total * 0.964);
  return {
    overall: {
      total_queries: total,
      success_count,
      failure_count: total - success_count,
      success_rate: 96.4,
      is_final: true,
      avg_response_time: 829.31,
    },
    faculty,
    year: YEARS.map((year, n) => ({
      year,
      is_final: true,
      query_count: [6_820, 5_410, 4_230, 3_120, 840, 310][n] ?? 0,
      unique_users: 300 - n * 40,
      last_updated: iso(NOW),
      avg_response_time: 780 + n * 31,
    })),
    heatmap: FACULTIES.slice(0, 3).flatMap((name, f) =>
      YEARS.filter((_, y) => f === 0 || y < 4).map((year, y) => ({
        faculty: name,
        year,
        is_final: true,
        query_count: Math.round((5_200 / (f * 1.6 + 1)) * (1 - y * 0.15) * (0.7 + 0.5 * noise(f * 7 + y))),
        last_updated: iso(NOW),
        avg_response_time: 700 + 60 * f + 25 * y,
      })),
    ),
    popularQuestions: QUESTIONS.map((query_text, n) => ({
      query_text,
      is_final: true,
      total_count: Math.round(1_480 / (n * 0.55 + 1)),
      unique_users: Math.round(900 / (n * 0.55 + 1)),
    })),
    departments: DEPARTMENTS.map((department_name, n) => ({
      department_name,
      is_final: true,
      query_count: Math.round(5_200 / (n * 0.6 + 1)),
      unique_users: Math.round(2_000 / (n + 1)),
      success_count: Math.round(5_000 / (n * 0.6 + 1)),
      avg_response_time: 800 + n * 12,
      percentage: 0,
    })).map((row, _, rows) => ({
      ...row,
      percentage: Math.round((row.query_count / rows.reduce((sum, r) => sum + r.query_count, 0)) * 1e4) / 100,
    })),
    studentYear: [
      ...YEARS.map((year, n) => ({
        years: Number(year),
        is_final: true,
        query_count: [6_400, 5_100, 3_900, 2_900, 700, 260][n] ?? 0,
        unique_users: 250 - n * 35,
        avg_response_time: 790 + 40 * noise(n),
        avg_contexts_found: 3.2 + noise(n),
      })),
      {
        years: /** @type {const} */ ('unknown'),
        is_final: true,
        query_count: 420,
        unique_users: 60,
        avg_response_time: 801.5,
        avg_contexts_found: 3.1,
      },
    ],
    popularByYear: Object.fromEntries(
      [...YEARS.slice(0, 5), 'unknown'].map((year, y) => [
        year,
        QUESTIONS.slice(y, y + 5).map((query_text, n) => ({
          query_text,
          is_final: true,
          total_count: Math.round((420 - 40 * y) / (n * 0.6 + 1)),
          unique_users: Math.round((300 - 30 * y) / (n * 0.6 + 1)),
        })),
      ]),
    ),
    userType: FACULTIES.map((user_type, n) => ({
      user_type,
      is_final: true,
      query_count: faculty[n]?.query_count ?? 0,
      unique_users: faculty[n]?.unique_users ?? 0,
      percentage: Math.round(((faculty[n]?.query_count ?? 0) / total) * 1e4) / 100,
    })),
    successRate: {
      success_rate: 96.38,
      is_final: true,
      total_queries: 8_412,
      total_success: 8_107,
      total_failure: 305,
      records: series(MINUTE, 20, () => 0)
        .reverse()
        .map((point, n) => ({
          timestamp: point.timestamp,
          window_start: point.window_start,
          window_end: point.window_end,
          created_at: point.window_end,
          is_final: true,
          total_queries: 100,
          success_count: 100 - Math.floor(9 * noise(n)),
          failure_count: Math.floor(9 * noise(n)),
          success_rate_pct: 100 - Math.floor(9 * noise(n)),
        })),
    },
    responseTime: FACULTIES.map((user_type, n) => ({
      user_type,
      avg_time: [812.46, 768.2, 1_043.9, 690.05][n] ?? 0,
      median_time: [701.1, 655.8, 880.4, 610.9][n] ?? 0,
      p95_time: [1_412.5, 1_380.4, 1_811.9, 1_102.3][n] ?? 0,
      is_final: true,
      newest: {
        timestamp: iso(NOW),
        avg_time: [790.2, 744.9, 1_120.4, 668.3][n] ?? 0,
        median_time: [701.1, 655.8, 880.4, 610.9][n] ?? 0,
        p95_time: [1_904.3, 1_711.7, 2_480.2, 1_420.6][n] ?? 0,
        query_count: [41, 14, 6, 3][n] ?? 0,
      },
      query_count: faculty[n]?.query_count ?? 0,
    })),
    timeseriesMinute: series(MINUTE, 240, (_, n) => Math.round(60 + 25 * Math.sin(n / 17) + 30 * noise(n))),
    timeseriesHour: series(HOUR, 168, (at) =>
      Math.round(900 * busy(new Date(at).getUTCHours()) + 80 * noise(at / HOUR)),
    ),
    timeseriesDay: series(
      DAY,
      30,
      (at, n) => (new Date(at).getUTCDay() % 6 ? 5_200 : 1_900) + Math.round(900 * noise(n)),
    ),
    hourlyHeatmap: Array.from({ length: 24 }, (_, hour_of_day) => ({
      hour_of_day,
      is_final: true,
      query_count: Math.round(2_400 * busy(hour_of_day)),
    })),
  };
}

/** @returns {Analytics} */
export function emptyAnalytics() {
  return {
    overall: {
      total_queries: 0,
      success_count: 0,
      failure_count: 0,
      success_rate: 0,
      avg_response_time: 0,
      is_final: true,
    },
    faculty: [],
    year: [],
    heatmap: [],
    popularQuestions: [],
    departments: [],
    studentYear: [],
    popularByYear: {},
    userType: [],
    successRate: {
      is_final: true,
      total_queries: 0,
      total_success: 0,
      total_failure: 0,
      success_rate: 0,
      records: [],
    },
    responseTime: [],
    timeseriesMinute: [],
    timeseriesHour: [],
    timeseriesDay: [],
    hourlyHeatmap: [],
  };
}

/**
 * What one more query changes, roughly: totals, its question, and the newest minute.
 *
 * @param {Analytics} analytics
 * @param {{ query_text: string, user: { user_type: string }, rag_metrics: { response_time_ms: number, success: boolean } }} event
 * @returns {Partial<Analytics>}
 */
export function counted(analytics, event) {
  const { overall, popularQuestions, userType, timeseriesMinute } = analytics;
  const succeeded = Number(event.rag_metrics.success);
  const total_queries = overall.total_queries + 1;
  const success_count = overall.success_count + succeeded;
  const sum = (overall.avg_response_time ?? 0) * overall.total_queries + event.rag_metrics.response_time_ms;

  const query_text = event.query_text.trim().toLowerCase();
  const asked = popularQuestions.find((question) => question.query_text === query_text);
  const question = {
    query_text,
    is_final: true,
    total_count: (asked?.total_count ?? 0) + 1,
    unique_users: asked?.unique_users ?? 1,
  };

  const { user_type } = event.user;
  const known = userType.find((row) => row.user_type === user_type);
  const type = {
    user_type,
    is_final: true,
    query_count: (known?.query_count ?? 0) + 1,
    unique_users: known?.unique_users ?? 1,
  };
  const types = [...userType.filter((row) => row !== known), type];
  const queries = types.reduce((all, row) => all + row.query_count, 0);

  const last = timeseriesMinute.at(-1) ?? {
    ...series(MINUTE, 1, () => 0)[0],
    timestamp: iso(NOW),
    is_final: true,
    query_count: 0,
  };
  const newest = { ...last, window_start: last.window_start ?? null, window_end: last.window_end ?? null };
  newest.query_count++;

  return {
    overall: {
      total_queries,
      success_count,
      failure_count: overall.failure_count + 1 - succeeded,
      success_rate: Math.round((success_count / total_queries) * 1e4) / 100,
      avg_response_time: Math.round((sum / total_queries) * 100) / 100,
      is_final: false,
    },
    popularQuestions: [...popularQuestions.filter((row) => row !== asked), question]
      .sort((a, b) => b.total_count - a.total_count)
      .slice(0, 10),
    userType: types.map((row) => ({
      ...row,
      percentage: Math.round((row.query_count / queries) * 1e4) / 100,
    })),
    timeseriesMinute: [...timeseriesMinute.slice(0, -1), newest],
  };
}
