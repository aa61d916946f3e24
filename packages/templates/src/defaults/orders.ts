import { type DefaultTemplate, twins, webAddress, words } from './default-template.ts';

const lines = {
  type: 'array',
  minItems: 1,
  maxItems: 500,
  items: {
    type: 'object',
    required: ['name', 'quantity', 'price'],
    properties: { name: words, quantity: { type: 'integer', minimum: 1 }, price: words },
  },
};

/** The lines of an order and their sum: amounts are texts, for who sells knows how they are written. */
const table = (total: string) => ({
  html: `<table width="100%" cellpadding="0" cellspacing="0" style="margin:0 0 24px;border-collapse:collapse">
{% for item in items %}<tr><td style="padding:8px 0;border-bottom:1px solid #eaecf0">{{ item.quantity }} × {{ item.name }}</td><td align="right" style="padding:8px 0;border-bottom:1px solid #eaecf0">{{ item.price }}</td></tr>
{% endfor %}<tr><td style="padding:8px 0"><strong>${total}</strong></td><td align="right" style="padding:8px 0"><strong>{{ total }}</strong></td></tr>
</table>`,
  text: `{% for item in items %}{{ item.quantity }} × {{ item.name }}: {{ item.price }}\n{% endfor %}${total}: {{ total }}`,
});

const confirmation = twins({
  key: 'order_confirmation',
  pushKey: 'order_confirmation_push',
  category: 'orders',
  required: { name: words, order: words, items: lines, total: words, link: webAddress },
  inPush: ['order'],
  emails: {
    en: {
      subject: 'Your order {{ order }}',
      preheader: 'We have received your order.',
      hello: 'Thank you, {{ name }}!',
      text: 'We have received your order {{ order }}.',
      rows: table('Total'),
      button: 'See your order',
    },
    fr: {
      subject: 'Votre commande {{ order }}',
      preheader: 'Nous avons bien reçu votre commande.',
      hello: 'Merci, {{ name }} !',
      text: 'Nous avons bien reçu votre commande {{ order }}.',
      rows: table('Total'),
      button: 'Voir votre commande',
    },
    es: {
      subject: 'Tu pedido {{ order }}',
      preheader: 'Hemos recibido tu pedido.',
      hello: '¡Gracias, {{ name }}!',
      text: 'Hemos recibido tu pedido {{ order }}.',
      rows: table('Total'),
      button: 'Ver tu pedido',
    },
  },
  pushes: {
    en: { title: 'Order {{ order }}', body: 'We have received your order. Thank you!' },
    fr: { title: 'Commande {{ order }}', body: 'Nous avons bien reçu votre commande. Merci !' },
    es: { title: 'Pedido {{ order }}', body: 'Hemos recibido tu pedido. ¡Gracias!' },
  },
});

const shipped = twins({
  key: 'order_shipped',
  pushKey: 'order_shipped_push',
  category: 'orders',
  required: { name: words, order: words, link: webAddress },
  optional: { carrier: words },
  inPush: ['order'],
  emails: {
    en: {
      subject: 'Your order {{ order }} is on its way',
      preheader: 'Follow your parcel.',
      hello: 'Good news, {{ name }}!',
      text: 'Your order {{ order }} has left{% if carrier %} with {{ carrier }}{% endif %}.',
      button: 'Follow your parcel',
    },
    fr: {
      subject: 'Votre commande {{ order }} est en route',
      preheader: 'Suivez votre colis.',
      hello: 'Bonne nouvelle, {{ name }} !',
      text: 'Votre commande {{ order }} est partie{% if carrier %} avec {{ carrier }}{% endif %}.',
      button: 'Suivre votre colis',
    },
    es: {
      subject: 'Tu pedido {{ order }} está en camino',
      preheader: 'Sigue tu paquete.',
      hello: '¡Buenas noticias, {{ name }}!',
      text: 'Tu pedido {{ order }} ha salido{% if carrier %} con {{ carrier }}{% endif %}.',
      button: 'Seguir tu paquete',
    },
  },
  pushes: {
    en: { title: 'On its way', body: 'Your order {{ order }} has left.' },
    fr: { title: 'En route', body: 'Votre commande {{ order }} est partie.' },
    es: { title: 'En camino', body: 'Tu pedido {{ order }} ha salido.' },
  },
});

/** Templates about orders. */
export const orderTemplates: readonly DefaultTemplate[] = [...confirmation, ...shipped];
