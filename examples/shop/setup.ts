import { isApiError, type Tidings } from '@tidings/client';

/** The queue of the stock service. */
export const stockConsumer = { name: 'stock-service', types: ['order.created'] };

const orderSchema = {
  type: 'object',
  required: ['orderId', 'sku', 'quantity', 'customer'],
  properties: {
    orderId: { type: 'string' },
    sku: { type: 'string' },
    quantity: { type: 'integer', minimum: 1 },
    customer: {
      type: 'object',
      required: ['name', 'email'],
      properties: { name: { type: 'string' }, email: { type: 'string' } },
    },
  },
};

export const mail = {
  key: 'shop_order_placed',
  schema: {
    type: 'object',
    required: ['name', 'orderId', 'sku', 'quantity'],
    properties: {
      name: { type: 'string' },
      orderId: { type: 'string' },
      sku: { type: 'string' },
      quantity: { type: 'integer' },
    },
  },
  content: {
    en: {
      email: {
        subject: 'Your order of {{ quantity }} × {{ sku }}',
        layout: 'default',
        html: '<p>Thank you, {{ name }}. Your order {{ orderId }} is on its way.</p>',
      },
    },
  },
};

/** Who hears of an order, beside the stock service: whoever placed it, by mail. */
const mailRule = {
  name: 'order-mail',
  types: ['order.created'],
  settings: {
    kind: 'notify' as const,
    to: { email: '/data/customer/email', name: '/data/customer/name' },
    template: mail.key,
    data: {
      name: { pointer: '/data/customer/name' },
      orderId: { pointer: '/data/orderId' },
      sku: { pointer: '/data/sku' },
      quantity: { pointer: '/data/quantity' },
    },
    lane: 'high' as const,
  },
};

/**
 * What the shop wants of Tidings. May be repeated, also when it ended half-way: what is there already stays as it is.
 */
export async function setUp(tidings: Tidings): Promise<void> {
  await tidings.eventTypes.upsert.mutate({
    type: 'order.created',
    description: 'A customer placed an order.',
    schema: orderSchema,
  });
  await unlessThere('template_exists', () => tidings.templates.create.mutate(mail));
  await unlessThere('no_draft', () => tidings.templates.publish.mutate({ key: mail.key }));
  await unlessThere('subscription_name_taken', () => tidings.subscriptions.create.mutate(mailRule));
  // The service does so itself; here too, so that orders wait for it from the first one on.
  await tidings.consumers.subscribe.mutate(stockConsumer);
}

async function unlessThere(
  code: Parameters<typeof isApiError>[1],
  create: () => Promise<unknown>,
): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isApiError(error, code)) throw error;
  }
}
