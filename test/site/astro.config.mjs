/** The documentation site. Its pages are made of the repository by `main.ts`, which also writes the sidebar. */
import starlight from "@astrojs/starlight"
import { defineConfig } from "astro/config"
import { readFileSync } from "node:fs"

const sidebar = JSON.parse(readFileSync(new URL("./src/content/sidebar.json", import.meta.url), "utf8"))

export default defineConfig({
  site: "https://wirewright.dev",
  trailingSlash: "always",
  devToolbar: { enabled: false },
  integrations: [
    starlight({
      title: "Wirewright",
      description: "Declarative packet specs in, typed wire codecs out",
      logo: { src: "./src/mark.svg", alt: "" },
      favicon: "/favicon.svg",
      customCss: ["./src/styles/site.css"],
      sidebar,
      pagination: false,
      credits: false,
      tableOfContents: { minHeadingLevel: 2, maxHeadingLevel: 3 },
      expressiveCode: { styleOverrides: { borderRadius: "0.4rem", codeFontSize: "0.82rem" } }
    })
  ]
})
