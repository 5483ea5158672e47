import { describe, expect, it } from 'vitest';
import { decodeSession, loginUrl } from './session';

const BASE = 'https://weir.example/board/';

describe('session', () => {
  it('leads to the login page and back only where nobody is logged in and somebody must be', () => {
    const here = `${BASE}?theme=dark#totals`;
    expect(loginUrl({ required: true, name: null }, BASE, here)).toBe(
      'https://weir.example/board/login?to=%2Fboard%2F%3Ftheme%3Ddark',
    );
    expect(loginUrl({ required: true, name: 'board' }, BASE, here)).toBeNull();
    expect(loginUrl({ required: false, name: null }, BASE, here)).toBeNull();
  });

  it('is nothing where the server does not say', () => {
    expect(decodeSession({ required: true, name: 'board', roles: [] })).toEqual({
      required: true,
      name: 'board',
    });
    expect(decodeSession({ required: false, name: null })).toEqual({ required: false, name: null });
    for (const json of [null, 'x', [], { detail: 'Not Found' }]) expect(decodeSession(json)).toBeNull();
  });
});
