import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as commands from '../../src/commands';

const ROOT = resolve(__dirname, '../..');

/** Where the links of a page lead to, without those to the web. */
function linksOf(page: string): string[] {
  const html = readFileSync(page, 'utf8');
  const links = [...html.matchAll(/ (?:href|src)="([^"]+)"/g)].map(([, link]) => link!);
  return links.filter((link) => !/^([a-z]+:|#)/.test(link));
}

describe('The site of the documents', () => {
  let site: string;
  let pages: string[];
  beforeAll(() => {
    mkdirSync(join(ROOT, '.cache'), { recursive: true });
    site = mkdtempSync(join(ROOT, '.cache/site-'));
    execFileSync('npm', ['run', '--silent', 'docs', '--', '--out', site], { cwd: ROOT, stdio: 'pipe' });
    pages = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'));
  });
  afterAll(() => rmSync(site, { recursive: true, force: true }));

  it('has a page for every guide and every command', () => {
    const guides = readdirSync(join(ROOT, 'infra/site/guides')).map((guide) => guide.replace(/\.md$/, ''));
    expect(pages).toContain('documents/MIGRATING.html');
    const titles = new Set(pages.map((page) => basename(page, '.html')));
    expect(guides.filter((guide) => !titles.has(`infra_site_guides_${guide}`))).toEqual([]);
    const builders = Object.keys(commands).filter((name) => /^[a-z]/.test(name));
    expect(builders.length).toBeGreaterThan(400);
    expect(builders.filter((name) => !titles.has(`commands.${name}`))).toEqual([]);
  });

  it('has no link that leads nowhere', () => {
    const broken = pages.flatMap((page) =>
      linksOf(join(site, page))
        .map((link) => decodeURIComponent(link.replace(/[#?].*$/, '')))
        .filter((link) => !existsSync(join(site, dirname(page), link)))
        .map((link) => `${page}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  it('has no link in a document to a heading that is not there', () => {
    const written = pages.filter((page) => page.startsWith('documents/') || page === 'index.html');
    const broken = written.flatMap((page) => {
      const html = readFileSync(join(site, page), 'utf8');
      return [...html.matchAll(/ href="([^":]*)#([^"]+)"/g)]
        .map(([, file, place]) => [file === '' ? page : join(dirname(page), file!), place!] as const)
        .filter(([file]) => file.endsWith('.html'))
        .filter(
          ([file, place]) => !readFileSync(join(site, file), 'utf8').includes(` id="${decodeURIComponent(place)}"`),
        )
        .map(([file, place]) => `${page}: ${file}#${place}`);
    });
    expect(broken).toEqual([]);
  });

  it('can be searched', () => {
    expect(statSync(join(site, 'assets/search.js')).size).toBeGreaterThan(10_000);
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toContain('id="tsd-search');
  });

  it('has the text of README on its first page, with links to the guides', () => {
    const first = join(site, 'index.html');
    expect(linksOf(first)).toContain('documents/infra_site_guides_start.html');
  });
});
