// The first event, as commands and programs that can be pasted and run.

/** The languages of the examples, with the names that readers know. */
export const EXAMPLES = { curl: 'curl', python: 'Python', javascript: 'JavaScript' } as const;
export type Example = keyof typeof EXAMPLES;

interface Where {
  /** Address of `POST /events`. */
  url: string;
  at: Date;
  /** The program takes a token from the variable `WEIR_TOKEN`. */
  needsToken: boolean;
}

export function firstEvent(example: Example, where: Where): string {
  const event = {
    query_id: `first-${where.at.getTime()}`,
    timestamp: where.at.toISOString(),
    user: { user_id: 1, user_type: 'Sinh viên', years: 2 },
    query_text: 'Học phí kỳ này?',
    rag_metrics: { response_time_ms: 812.5, success: true },
  };
  switch (example) {
    case 'curl':
      return curl(event, where);
    case 'python':
      return python(event, where);
    case 'javascript':
      return javascript(event, where);
  }
}

function curl(event: object, { url, needsToken }: Where): string {
  const token = needsToken ? ` -H "Authorization: Bearer $WEIR_TOKEN"` : '';
  return `curl -X POST ${url}${token} -H 'content-type: application/json' -d '${JSON.stringify(event)}'`;
}

function python(event: object, { url, needsToken }: Where): string {
  const headers = needsToken
    ? '{"content-type": "application/json", "authorization": "Bearer " + os.environ["WEIR_TOKEN"]}'
    : '{"content-type": "application/json"}';
  return `import json, ${needsToken ? 'os, ' : ''}urllib.request

event = ${literal(event)}
request = urllib.request.Request("${url}", json.dumps(event).encode(), ${headers})
print(urllib.request.urlopen(request).read().decode())
`;
}

function javascript(event: object, { url, needsToken }: Where): string {
  const token = needsToken ? ', authorization: "Bearer " + process.env.WEIR_TOKEN' : '';
  return `const event = ${JSON.stringify(event, null, 2)};
const response = await fetch("${url}", {
  method: "POST",
  headers: { "content-type": "application/json"${token} },
  body: JSON.stringify(event),
});
console.log(await response.text());
`;
}

/** A value as Python writes it. No text of the event looks like a literal of JavaScript. */
function literal(value: object): string {
  return JSON.stringify(value, null, 4).replace(/: true\b/g, ': True');
}
