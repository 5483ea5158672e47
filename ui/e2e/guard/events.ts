// Questions for the built-in analytics, as a producer sends them.
import { expect } from '@playwright/test';
import type { Weir } from './weir';

export interface Question {
  text?: string;
  /** How long ago it was asked. */
  secondsAgo?: number;
  responseMs?: number;
  success?: boolean;
  userType?: string;
  years?: number;
}

let sent = 0;

export function event({
  text = 'Lịch thi?',
  secondsAgo = 0,
  responseMs = 800,
  success = true,
  userType = 'Sinh viên',
  years = 2,
}: Question) {
  sent += 1;
  return {
    query_id: `q-${Date.now()}-${sent}`,
    timestamp: new Date(Date.now() - secondsAgo * 1_000).toISOString(),
    user: { user_id: 1 + (sent % 40), user_type: userType, department_id: 1, department_name: 'Toán', years },
    query_text: text,
    rag_params: { context_found: 2 },
    rag_metrics: { response_time_ms: responseMs, success },
    metadata: { history_used: false, query_rewritten: false },
  };
}

export async function ask(weir: Weir, questions: Question[]): Promise<void> {
  const response = await fetch(`${weir.http}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: questions.map((question) => JSON.stringify(event(question))).join('\n'),
  });
  expect(response.status).toBe(202);
}
