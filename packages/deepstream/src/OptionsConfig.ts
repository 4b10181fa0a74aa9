/** How a client is configured from the environment. Loaded when it is, since Effect's configuration brings its schemas. */
import * as Config from "effect/Config"

/** The options that operators set: `DEEPSTREAM_URL`, and `DEEPSTREAM_USERNAME` with `DEEPSTREAM_PASSWORD` to log in with. */
export const optionsConfig = (prefix = "DEEPSTREAM") =>
  Config.all({
    url: Config.String(`${prefix}_URL`),
    username: Config.option(Config.String(`${prefix}_USERNAME`)),
    password: Config.option(Config.Redacted(`${prefix}_PASSWORD`))
  })
