import type { Api } from '@tidings/api';
import { type Board, boardPath } from '@tidings/board';
import type { FetchHandler } from '@tidings/runtime';

/** API and board on one port: what lies at or below `/board` is the board's, the rest is the API's. */
export function onOnePort(api: Api, board: Board): FetchHandler {
  return (request, peer) => {
    const { pathname } = new URL(request.url);
    const isBoard = pathname === boardPath || pathname.startsWith(`${boardPath}/`);
    return isBoard ? board.fetch(request, peer) : api.fetch(request, peer);
  };
}
