import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cached, defaultCacheDir } from './cache.ts';

let cacheDir: string;

beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'sagafleet-cache-'));
});

afterEach(() => {
  rmSync(cacheDir, { recursive: true });
});

const write = (text: string) => async (folder: string) => writeFileSync(join(folder, 'file'), text);

test('fills a folder once', async () => {
  const folder = await cached(cacheDir, 'kafka', write('first'));
  expect(await cached(cacheDir, 'kafka', write('second'))).toBe(folder);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('first');
});

test('leaves nothing of a failure', async () => {
  const fail = async (folder: string) => {
    await write('half')(folder);
    throw new Error('no network');
  };
  await expect(cached(cacheDir, 'kafka', fail)).rejects.toThrow('no network');
  expect(readdirSync(cacheDir)).toEqual([]);
});

test('two at a time in one process do not break each other', async () => {
  const folders = await Promise.all([cached(cacheDir, 'kafka', write('one')), cached(cacheDir, 'kafka', write('other'))]);
  expect(folders).toEqual([join(cacheDir, 'kafka'), join(cacheDir, 'kafka')]);
  expect(readdirSync(cacheDir)).toEqual(['kafka']);
});

test('throws away what a run left that was killed, and keeps what one that lives works on', async () => {
  const ofTheDead = join(cacheDir, '.kafka.unfinished-999999999-abcdef');
  const ofTheLiving = join(cacheDir, `.kafka.unfinished-${process.ppid}-abcdef`);
  mkdirSync(ofTheDead);
  mkdirSync(ofTheLiving);
  await cached(cacheDir, 'kafka', write('whole'));
  expect(existsSync(ofTheDead)).toBe(false);
  expect(existsSync(ofTheLiving)).toBe(true);
});

test('takes what another run finished meanwhile', async () => {
  const folder = await cached(cacheDir, 'kafka', async (unfinished) => {
    mkdirSync(join(cacheDir, 'kafka'));
    await write('theirs')(join(cacheDir, 'kafka'));
    await write('ours')(unfinished);
  });
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('theirs');
  expect(readdirSync(cacheDir)).toEqual(['kafka']);
});

test('the default is where the user wants caches', () => {
  expect(defaultCacheDir({ HOME: '/home/a' })).toBe('/home/a/.cache/sagafleet');
  expect(defaultCacheDir({ HOME: '/home/a', XDG_CACHE_HOME: '/cache' })).toBe('/cache/sagafleet');
  expect(defaultCacheDir({ HOME: '/home/a', XDG_CACHE_HOME: '/cache', SAGAFLEET_CACHE: '/mine' })).toBe('/mine');
});
