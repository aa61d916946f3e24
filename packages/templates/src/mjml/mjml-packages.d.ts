declare module 'mjml-core' {
  const mjmlCore: {
    default(
      mjml: string,
      options: Record<string, unknown>,
    ): Promise<{ html: string; errors: Array<{ line?: number; message: string }> }>;
  };
  export default mjmlCore;
}

declare module 'mjml-preset-core' {
  const preset: Record<string, unknown>;
  export default preset;
}
