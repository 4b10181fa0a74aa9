/** What config files import from the command. */
export { type Config, defineConfig, type Formatting, type Target } from "./ConfigFile.ts"
