import { type DefaultTemplate, twins, webAddress, words } from './default-template.ts';

const welcome = twins({
  key: 'welcome_email',
  pushKey: 'welcome_push',
  category: 'onboarding',
  required: { name: words, link: webAddress },
  inPush: ['name'],
  emails: {
    en: {
      subject: 'Welcome, {{ name }}!',
      preheader: 'Confirm your address to get started.',
      hello: 'Hello {{ name }},',
      text: 'welcome aboard. Please confirm your address.',
      button: 'Confirm your address',
    },
    fr: {
      subject: 'Bienvenue, {{ name }} !',
      preheader: 'Confirmez votre adresse pour commencer.',
      hello: 'Bonjour {{ name }},',
      text: 'bienvenue à bord. Merci de confirmer votre adresse.',
      button: 'Confirmer votre adresse',
    },
    es: {
      subject: '¡Hola, {{ name }}!',
      preheader: 'Confirma tu dirección para empezar.',
      hello: 'Hola, {{ name }}:',
      text: 'te damos la bienvenida. Confirma tu dirección, por favor.',
      button: 'Confirmar tu dirección',
    },
  },
  pushes: {
    en: { title: 'Welcome, {{ name }}!', body: 'Good to have you here.' },
    fr: { title: 'Bienvenue, {{ name }} !', body: 'Ravis de vous compter parmi nous.' },
    es: { title: '¡Hola, {{ name }}!', body: 'Nos alegra tenerte aquí.' },
  },
});

const passwordReset = twins({
  key: 'password_reset',
  pushKey: 'password_reset_push',
  category: 'security',
  required: { name: words, link: webAddress },
  inPush: ['name'],
  emails: {
    en: {
      subject: 'Reset your password',
      preheader: 'Choose a new password.',
      hello: 'Hello {{ name }},',
      text: 'somebody, hopefully you, asked for a new password.',
      button: 'Choose a new password',
      note: 'If it was not you, ignore this e-mail: nothing has changed.',
    },
    fr: {
      subject: 'Réinitialisez votre mot de passe',
      preheader: 'Choisissez un nouveau mot de passe.',
      hello: 'Bonjour {{ name }},',
      text: 'quelqu’un, sans doute vous, a demandé un nouveau mot de passe.',
      button: 'Choisir un nouveau mot de passe',
      note: 'Si ce n’était pas vous, ignorez cet e-mail : rien n’a changé.',
    },
    es: {
      subject: 'Restablece tu contraseña',
      preheader: 'Elige una contraseña nueva.',
      hello: 'Hola, {{ name }}:',
      text: 'alguien, seguramente tú, ha pedido una contraseña nueva.',
      button: 'Elegir una contraseña nueva',
      note: 'Si no has sido tú, ignora este correo: nada ha cambiado.',
    },
  },
  pushes: {
    en: {
      title: 'Password reset asked for',
      body: 'Was it not you, {{ name }}? Then look after your account.',
    },
    fr: {
      title: 'Nouveau mot de passe demandé',
      body: 'Ce n’était pas vous, {{ name }} ? Vérifiez votre compte.',
    },
    es: {
      title: 'Se ha pedido una contraseña nueva',
      body: '¿No has sido tú, {{ name }}? Revisa tu cuenta.',
    },
  },
});

/** Templates about somebody's account. */
export const accountTemplates: readonly DefaultTemplate[] = [...welcome, ...passwordReset];
