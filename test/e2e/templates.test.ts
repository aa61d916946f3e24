import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRecord } from '../support/record.ts';
import { tempDir } from '../support/temp-dir.ts';
import { ended, startTidings, type TestTidings } from '../support/tidings.ts';

const dir = tempDir();
let running: TestTidings;
beforeAll(async () => {
  running = await startTidings({ dataDir: dir.path });
});
afterAll(async () => {
  await running.stop();
  dir.remove();
});

/** The mail that a message became. */
async function mailOf(messageId: string) {
  const { status } = await ended(running.tidings, messageId);
  expect(status).toBe('sent');
  const path = join(running.dataDir, 'outbox', `${messageId}.eml`);
  expect(existsSync(path)).toBe(true);
  return PostalMime.parse(readFileSync(path));
}

describe('what arrives', () => {
  test('a version is rendered as it was when the notification was accepted', async () => {
    const { templates, notifications } = running.tidings;
    const content = (subject: string) => ({ en: { email: { subject, html: '<p>Hello {{ name }}</p>' } } });
    const draft = await templates.create.mutate({ key: 'pinned', content: content('One') });
    await templates.publish.mutate({ key: 'pinned' });
    const sendAt = new Date(Date.now() + 1500).toISOString();
    const to = { email: 'ada@example.com' };
    const data = { name: 'Ada' };
    const sent = await notifications.send.mutate({ to, template: 'pinned', data, sendAt });
    await templates.update.mutate({ key: 'pinned', revision: draft.revision, content: content('Two') });
    await templates.publish.mutate({ key: 'pinned' });
    const later = await notifications.send.mutate({ to, template: 'pinned', data });
    expect(await mailOf(later.messages[0]?.id ?? '')).toMatchObject({ subject: 'Two', text: 'Hello Ada\n' });
    expect(await mailOf(sent.messages[0]?.id ?? '')).toMatchObject({ subject: 'One' });
  });

  test.each([
    ['fr-CA', 'fr', 'Bienvenue, Ada !'],
    ['es', 'es', '¡Hola, Ada!'],
    ['de', 'en', 'Welcome, Ada!'],
  ])('the default templates in %s', async (locale, lang, subject) => {
    const sent = await running.tidings.notifications.send.mutate({
      to: { email: 'ada@example.com' },
      template: 'welcome_email',
      data: { name: 'Ada', link: 'https://example.com/confirm' },
      locale,
    });
    const mail = await mailOf(sent.messages[0]?.id ?? '');
    expect(mail.subject).toBe(subject);
    expect(mail.html).toContain(`<html lang="${lang}">`);
    expect(mail.html).toContain('href="https://example.com/confirm"');
    expect(mail.text).toContain('https://example.com/confirm');
  });

  test("a locale that there is nothing for falls back to the project's", async () => {
    const { templates, notifications } = running.tidings;
    const of = (subject: string) => ({ email: { subject, text: '{{ locale }}' } });
    await templates.create.mutate({ key: 'default', content: { en: of('Hello'), it: of('Ciao') } });
    await templates.publish.mutate({ key: 'default' });
    const record = await openRecord(dir.path);
    await record.query("UPDATE projects SET default_locale = 'it-CH'");
    const to = { email: 'ada@example.com' };
    const sent = await notifications.send.mutate({ to, template: 'default', locale: 'de' });
    expect(await mailOf(sent.messages[0]?.id ?? '')).toMatchObject({ subject: 'Ciao', text: 'it\n' });
    const seen = await templates.preview.mutate({ key: 'default', locale: 'de' });
    expect(seen.email).toMatchObject({ locale: 'it', subject: 'Ciao' });
    await record.query("UPDATE projects SET default_locale = 'en'");
    await record.database.close();
  });

  test('MJML with a layout, a partial and a loop, and a text part that nobody wrote', async () => {
    const { templates, templateParts, notifications } = running.tidings;
    await templateParts.upsert.mutate({
      kind: 'layout',
      key: 'mjml',
      mjml: '<mjml><mj-body><mj-section><mj-column>{% content %}</mj-column></mj-section></mj-body></mjml>',
    });
    await templateParts.upsert.mutate({
      kind: 'partial',
      key: 'line',
      mjml: '<mj-text>{{ of.name }}</mj-text>',
    });
    const mjml =
      '{% for item in items %}{% render \'line\', of: item %}{% endfor %}<mj-button href="{{ link }}">Go</mj-button>';
    const content = { en: { email: { subject: 's', layout: 'mjml', mjml } } };
    await templates.create.mutate({ key: 'mjml', content });
    await templates.publish.mutate({ key: 'mjml' });
    const sent = await notifications.send.mutate({
      to: { email: 'ada@example.com' },
      template: 'mjml',
      data: { items: [{ name: 'Ink & pen' }, { name: 'Paper' }], link: 'https://example.com/?a=1&b=2' },
    });
    const mail = await mailOf(sent.messages[0]?.id ?? '');
    expect(mail.html).toContain('Ink &amp; pen');
    expect(mail.text?.replaceAll(/\s+/g, ' ').trim()).toBe(
      'Ink & pen Paper Go [https://example.com/?a=1&b=2]',
    );
  });

  test('a test send of a draft is marked, and its content is nowhere else', async () => {
    const { templates } = running.tidings;
    const content = { fr: { email: { subject: 'Salut {{ name }}', html: '<p lang="{{ locale }}">x</p>' } } };
    await templates.create.mutate({ key: 'tried', content });
    const data = { name: 'Ada' };
    const sent = await templates.testSend.mutate({ key: 'tried', to: { email: 'me@example.com' }, data });
    const mail = await mailOf(sent.messages[0]?.id ?? '');
    expect(mail).toMatchObject({ subject: '[Test] Salut Ada', text: 'x\n' });
    expect(mail.html).toContain('<p lang="fr">');
    expect(await running.tidings.notifications.get.query({ id: sent.id })).toMatchObject({
      template: null,
      metadata: { test: true, template: 'tried', version: 1 },
    });
    const toDevice = templates.testSend.mutate({
      key: 'tried',
      to: { device: { platform: 'fcm', token: 'x' } },
      data,
    });
    await expect(toDevice).rejects.toMatchObject({ code: 'channel_without_content' });
  });

  test("a test send to a recipient is in the recipient's locale, which partials know too", async () => {
    const { templates, templateParts, recipients } = running.tidings;
    await templateParts.upsert.mutate({ kind: 'partial', key: 'lang', html: '<i>{{ locale }}</i>' });
    const email = (subject: string) => ({ email: { subject, html: "{{ locale }}{% render 'lang' %}" } });
    await templates.create.mutate({ key: 'spoken', content: { en: email('Hi'), fr: email('Salut') } });
    const known = { externalId: 'claire', email: 'claire@example.com', locale: 'fr-CA' };
    const { id: recipientId } = await recipients.upsert.mutate(known);
    const tried = async (locale?: string) => {
      const sent = await templates.testSend.mutate({ key: 'spoken', to: { recipientId }, locale });
      return mailOf(sent.messages[0]?.id ?? '');
    };
    expect(await tried()).toMatchObject({
      subject: '[Test] Salut',
      html: expect.stringContaining('fr<i>fr</i>'),
    });
    expect(await tried('en')).toMatchObject({
      subject: '[Test] Hi',
      html: expect.stringContaining('en<i>en</i>'),
    });
  });
});
