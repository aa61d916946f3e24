import type { TemplateVersion } from '@tidings/contracts';

/** Templates that a project has from its first start. */
export const defaultTemplates: readonly TemplateVersion[] = [
  {
    key: 'welcome_email',
    version: 1,
    category: 'onboarding',
    onAmbiguous: 'resend',
    variables: { name: 'string', link: 'url' },
    content: {
      en: {
        email: {
          subject: 'Welcome, {{ name }}!',
          text: 'Hello {{ name }},\n\nwelcome aboard. Confirm your address here:\n{{ link }}\n',
          html: '<!doctype html>\n<html lang="en">\n<body>\n<p>Hello {{ name }},</p>\n<p>welcome aboard. <a href="{{ link }}">Confirm your address</a>.</p>\n</body>\n</html>\n',
        },
      },
    },
  },
  {
    key: 'welcome_push',
    version: 1,
    category: 'onboarding',
    onAmbiguous: 'resend',
    variables: { name: 'string' },
    content: {
      en: { push: { title: 'Welcome, {{ name }}!', body: 'Good to have you here.' } },
    },
  },
];
