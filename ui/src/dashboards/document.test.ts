import { expect, test } from 'vitest';
import { type Dashboard, readDocument, slug, withPanel, withPlaces } from './document';

const EMPTY: Dashboard = { version: 1, title: 'Usage', panels: [] };
const PANEL = { title: 'Câu hỏi', table: 'faculty', chart: 'line' };

test('a name for an address keeps Vietnamese letters readable, and is free', () => {
  expect(slug('Đường số 1: câu hỏi mỗi phút')).toBe('duong-so-1-cau-hoi-moi-phut');
  expect(slug('用户')).toBe('panel');
  expect(slug('Faculty', ['faculty', 'faculty-2'])).toBe('faculty-3');
});

test('a new panel stands below the others and has an id of its own', () => {
  const two = withPanel(withPanel(EMPTY, PANEL), PANEL);
  expect(two.panels.map(({ id }) => id)).toEqual(['cau-hoi', 'cau-hoi-2']);
  expect(two.panels.map(({ at }) => at.y)).toEqual([0, 5]);
});

test('dragged panels have the places of the grid', () => {
  const at = { x: 6, y: 2, w: 3, h: 4 };
  const moved = withPlaces(withPanel(EMPTY, PANEL), new Map([['cau-hoi', at]]));
  expect(moved.panels[0]?.at).toEqual(at);
});

test('a file is read, also with a byte order mark', () => {
  const text = JSON.stringify({ ...withPanel(EMPTY, PANEL), period: '6h' });
  expect(readDocument(`\uFEFF${text}`).period).toBe('6h');
});

test.each([
  ['[', 'not JSON'],
  ['[]', 'a JSON object'],
  ['{"version":2}', 'must be 1'],
  ['{"version":1,"title":"a","panels":[{"id":"a"}]}', '`panels[0].title`'],
  [
    '{"version":1,"title":"a","panels":[{"id":"a","title":"a","table":"t","chart":"line","at":{"x":0,"y":0,"w":1.5}}]}',
    '`panels[0].at.w`',
  ],
])('a file that is no dashboard is refused with a place: %s', (text, part) => {
  expect(() => readDocument(text)).toThrow(part);
});

test('a period that does not exist is left out', () => {
  expect(readDocument('{"version":1,"title":"a","period":"1y","panels":[]}').period).toBeUndefined();
});
