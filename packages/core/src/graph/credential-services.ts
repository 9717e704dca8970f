/**
 * Credentials of services that workflows ask over HTTP Request ("predefined" ones): one row each, with the header or field
 * in which the service's own documentation wants its key. There are no nodes for these services here.
 */

/** How a service takes its key. */
export type ServiceCredential = {
  readonly name: string
  readonly title: string
  /** The field of the secret. */
  readonly secret: string
  /** Further fields, none of them secret and none needed. */
  readonly others?: readonly string[]
  /** The header, and what stands before the secret in it. */
  readonly header?: readonly [name: string, prefix: string]
  /** The field of the query. */
  readonly query?: string
  /** Basic authentication: the field of the user, or the user itself, with the secret as the password. */
  readonly basic?: { readonly userField: string } | { readonly user: string }
  /** Further headers that every request needs. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

const bearer = ["Authorization", "Bearer "] as const
const ofToken = { secret: "accessToken", header: bearer } as const
const ofKey = { secret: "apiKey", header: bearer } as const

/** The rows. */
export const serviceCredentials: readonly ServiceCredential[] = [
  { name: "airtableTokenApi", title: "Airtable token", ...ofToken },
  { name: "apifyApi", title: "Apify", ...ofKey },
  { name: "asanaApi", title: "Asana", ...ofToken },
  { name: "calendlyApi", title: "Calendly", ...ofKey },
  { name: "clickUpApi", title: "ClickUp", secret: "accessToken", header: ["Authorization", ""] },
  { name: "cloudflareApi", title: "Cloudflare", secret: "apiToken", header: bearer },
  { name: "cohereApi", title: "Cohere", ...ofKey },
  { name: "discordBotApi", title: "Discord bot", secret: "botToken", header: ["Authorization", "Bot "] },
  { name: "elevenLabsApi", title: "ElevenLabs", secret: "apiKey", header: ["xi-api-key", ""] },
  { name: "firecrawlApi", title: "Firecrawl", ...ofKey },
  { name: "githubApi", title: "GitHub", ...ofToken, others: ["user", "server"] },
  { name: "gitlabApi", title: "GitLab", secret: "accessToken", others: ["server"], header: ["Private-Token", ""] },
  { name: "hubspotAppToken", title: "HubSpot app", secret: "appToken", header: bearer },
  { name: "huggingFaceApi", title: "Hugging Face", ...ofKey },
  {
    name: "jiraSoftwareCloudApi",
    title: "Jira Cloud",
    secret: "apiToken",
    others: ["email", "domain"],
    basic: { userField: "email" },
  },
  { name: "jinaAiApi", title: "Jina AI", ...ofKey },
  { name: "linearApi", title: "Linear", secret: "apiKey", header: ["Authorization", ""] },
  { name: "mailchimpApi", title: "Mailchimp", secret: "apiKey", basic: { user: "brevet" } },
  {
    name: "mailgunApi",
    title: "Mailgun",
    secret: "apiKey",
    others: ["apiDomain", "emailDomain"],
    basic: { user: "api" },
  },
  { name: "notionApi", title: "Notion", ...ofKey, headers: [["Notion-Version", "2022-06-28"]] },
  { name: "perplexityApi", title: "Perplexity", ...ofKey },
  { name: "pineconeApi", title: "Pinecone", secret: "apiKey", header: ["Api-Key", ""] },
  { name: "pipedriveApi", title: "Pipedrive", secret: "apiToken", query: "api_token" },
  { name: "qdrantApi", title: "Qdrant", secret: "apiKey", others: ["qdrantUrl"], header: ["api-key", ""] },
  { name: "sendGridApi", title: "SendGrid", ...ofKey },
  { name: "serpApi", title: "SerpApi", secret: "apiKey", query: "api_key" },
  {
    name: "shopifyAccessTokenApi",
    title: "Shopify",
    secret: "accessToken",
    others: ["shopSubdomain"],
    header: ["X-Shopify-Access-Token", ""],
  },
  { name: "slackApi", title: "Slack", ...ofToken },
  { name: "stripeApi", title: "Stripe", secret: "secretKey", header: bearer },
  { name: "supabaseApi", title: "Supabase", secret: "serviceRole", others: ["host"], header: ["apikey", ""] },
  { name: "tavilyApi", title: "Tavily", ...ofKey },
  {
    name: "twilioApi",
    title: "Twilio",
    secret: "authToken",
    others: ["accountSid"],
    basic: { userField: "accountSid" },
  },
  { name: "typeformApi", title: "Typeform", ...ofToken },
  { name: "xAiApi", title: "xAI", ...ofKey, others: ["url"] },
  {
    name: "zendeskApi",
    title: "Zendesk",
    secret: "apiToken",
    others: ["email", "subdomain"],
    basic: { userField: "email" },
  },
]
