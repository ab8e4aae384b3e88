import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": { target: process.env.TENURE_COLLECTOR ?? "http://127.0.0.1:4320", ws: true } } },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
