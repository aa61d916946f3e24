export { type Admin, findAdmin, passwordFile } from './admin.ts';
export { type Board, createBoard } from './board.ts';
export { boardPath } from './bull-board.ts';
