using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools.Web;

/// <summary>Search, in Wikipedia (any MediaWiki) or with a SearXNG server: which of them, the configured address tells.</summary>
internal sealed class SearchTool(WebBackend backend) : ITool
{
    private const int MaxQuery = 300;

    private const int MaxResults = 5;

    private const int MaxExtract = 800;

    private const string Service = "search service";

    private static readonly byte[] Schema =
        """{"type":"object","properties":{"query":{"type":"string","description":"A few words to search for"}},"required":["query"]}"""u8.ToArray();

    public string Name => ToolNames.Search;

    public string Description => "Searches and answers with the best results: title, address and a short text of each.";

    public ReadOnlyMemory<byte> Parameters => Schema;

    public async ValueTask<ToolOutput> InvokeAsync(JsonElement arguments, GatewayConfig config, CancellationToken cancellationToken)
    {
        if (ToolInput.Text(arguments, "query")?.Trim() is not { Length: > 0 and <= MaxQuery } query)
        {
            return ToolOutput.Error($"The argument 'query' must be a text of 1 to {MaxQuery} characters.");
        }

        if (config.Tools.SearchBaseUrl is not { } baseUrl)
        {
            return WebBackend.NoAddress(Name, "tools.search_base_url");
        }

        var question = $"search\n{baseUrl}\n{query}";
        if (backend.Find(question, config.Tools.CacheTtl) is { } known)
        {
            return ToolOutput.Answer(known);
        }

        var isWiki = IsMediaWiki(baseUrl);
        var (json, error) = await backend.GetAsync(Service, isWiki ? WikiAddress(baseUrl, query) : WebBackend.Address(baseUrl, "/search", ("q", query), ("format", "json")), cancellationToken);
        using (json)
        {
            if (json is null)
            {
                return ToolOutput.Error(error!);
            }

            var results = (isWiki ? ReadWiki(json.RootElement, baseUrl) : ReadSearx(json.RootElement)).Take(MaxResults).ToList();
            if (results.Count == 0)
            {
                return ToolOutput.Answer($"There are no results for '{query}'.");
            }

            var text = string.Join("\n\n", results.Select((result, index) => $"{index + 1}. {result.Title}\n{result.Address}\n{Cut(result.Text)}"));
            backend.Keep(question, text, config.Tools.CacheTtl);
            return ToolOutput.Answer(text);
        }
    }

    private static bool IsMediaWiki(Uri baseUrl) =>
        baseUrl.Host.EndsWith("wikipedia.org", StringComparison.OrdinalIgnoreCase) || baseUrl.AbsolutePath.EndsWith("/api.php", StringComparison.Ordinal);

    private static Uri WikiAddress(Uri baseUrl, string query) => WebBackend.Address(
        baseUrl,
        baseUrl.AbsolutePath.EndsWith("/api.php", StringComparison.Ordinal) ? "" : "/w/api.php",
        ("action", "query"),
        ("format", "json"),
        ("formatversion", "2"),
        ("generator", "search"),
        ("gsrsearch", query),
        ("gsrlimit", "5"),
        ("prop", "extracts"),
        ("exintro", "1"),
        ("explaintext", "1"),
        ("exlimit", "max"));

    private static IEnumerable<Result> ReadWiki(JsonElement root, Uri baseUrl)
    {
        if (root.ValueKind != JsonValueKind.Object || root.Find("query"u8) is not { ValueKind: JsonValueKind.Object } answer)
        {
            return [];
        }

        return JsonEdits.Objects(answer.Find("pages"u8))
            .OrderBy(page => page.Find("index"u8) is { ValueKind: JsonValueKind.Number } index && index.TryGetInt32(out var place) ? place : int.MaxValue)
            .Select(page => (Title: page.FindText("title"u8) ?? "", Extract: page.FindText("extract"u8) ?? ""))
            .Where(page => page.Title.Length > 0)
            .Select(page => new Result(page.Title, $"{baseUrl.GetLeftPart(UriPartial.Authority)}/wiki/{Uri.EscapeDataString(page.Title.Replace(' ', '_'))}", page.Extract));
    }

    private static IEnumerable<Result> ReadSearx(JsonElement root) =>
        root.ValueKind != JsonValueKind.Object
            ? []
            : JsonEdits.Objects(root.Find("results"u8))
                .Select(result => new Result(result.FindText("title"u8) ?? "", result.FindText("url"u8) ?? "", result.FindText("content"u8) ?? ""))
                .Where(result => result.Title.Length > 0);

    private static string Cut(string text)
    {
        if (text.Length <= MaxExtract)
        {
            return text.Trim();
        }

        var end = char.IsHighSurrogate(text[MaxExtract - 1]) ? MaxExtract - 1 : MaxExtract;
        return new StringBuilder(text, 0, end, end + 1).Append('…').ToString().Trim();
    }

    private sealed record Result(string Title, string Address, string Text);
}
