import { z } from 'zod';

/** What a customer orders. */
export const newOrder = z.object({
  sku: z.string().min(1),
  quantity: z.int().min(1),
  customer: z.object({ name: z.string().min(1), email: z.email() }),
});

/** With the number that it got. */
export type Order = z.infer<typeof newOrder> & { orderId: string };
