// The words of the API, taken from its description: nothing here is written twice.
//
// schema.d.ts is generated (`npm run types`). The WebSocket carries, under each key of `Analytics`, the data of
// one HTTP route with its default range, so each key names its route.
import type { components, paths } from './schema';

/** What `GET path` answers when all is well. */
export type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer A } } } };
}
  ? A
  : never;

/** An answer without its envelope: pushed data carries no status, and need not carry its range. */
type Bare<A> = Omit<A, 'status' | 'days'>;

export interface Analytics {
  faculty: Answer<'/analytics/redis/faculty'>['data'];
  year: Answer<'/analytics/redis/year'>['data'];
  heatmap: Answer<'/analytics/redis/heatmap'>['data'];
  popularQuestions: Answer<'/analytics/redis/popular-questions'>['data'];
  departments: Answer<'/analytics/redis/department'>['data'];
  overall: Bare<Answer<'/analytics/redis/overall-summary'>>;
  studentYear: Answer<'/analytics/redis/student-year'>['data'];
  popularByYear: Answer<'/analytics/redis/popular-by-year'>['data'];
  userType: Answer<'/analytics/redis/user-type'>['distribution'];
  successRate: Bare<Answer<'/analytics/redis/success-rate'>>;
  responseTime: Answer<'/analytics/redis/response-time'>['data'];
  timeseriesMinute: Answer<'/analytics/redis/timeseries'>['data'];
  timeseriesHour: Answer<'/analytics/redis/timeseries'>['data'];
  timeseriesDay: Answer<'/analytics/redis/timeseries'>['data'];
  hourlyHeatmap: Answer<'/analytics/redis/hourly-heatmap'>['data'];
}

export type AnalyticsKey = keyof Analytics;
export type SeriesKey = 'timeseriesMinute' | 'timeseriesHour' | 'timeseriesDay';
export type TimePoint = Analytics['timeseriesMinute'][number];
export type SuccessRecord = Analytics['successRate']['records'][number];
export type PopularQuestion = Analytics['popularQuestions'][number];

/** How one of the things behind the server stands. */
export type Standing = components['schemas']['Standing'];
/** Whether results arrive, events are taken in, the results are loaded, and the jobs that write them work. */
export type Status = Omit<components['schemas']['FeedStatus'], 'type'>;

/** A frame from the server that means something to us. */
export type FeedMessage =
  /** `timeZone` is that of all times in the data; null where the server does not say. */
  | { type: 'snapshot'; data: Partial<Analytics>; timeZone: string | null }
  | { type: 'update'; data: Partial<Analytics> }
  | { type: 'status'; status: Status }
  /** Says only that the server is there. */
  | { type: 'alive' };
