using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LlmGateway.Api;

/// <summary>
/// The description of the API. What there is to say stands in <c>openapi.json</c>, because the endpoints read their bodies by themselves and
/// have no types to derive it from; here it is held to the endpoints that are mapped: what is not served is not described.
/// </summary>
internal static partial class OpenApiDocument
{
    private const string Resource = "LlmGateway.Api.openapi.json";

    /// <summary>The document as it is served.</summary>
    public static byte[] Write(IEnumerable<Endpoint> endpoints)
    {
        var served = endpoints.OfType<RouteEndpoint>().SelectMany(Operations).ToHashSet(StringComparer.Ordinal);
        var document = Read();
        var paths = document["paths"]!.AsObject();
        foreach (var (path, operations) in paths.ToList())
        {
            foreach (var (method, _) in operations!.AsObject().ToList())
            {
                if (!served.Contains(OperationName(method, path)))
                {
                    operations.AsObject().Remove(method);
                }
            }

            if (operations.AsObject().Count == 0)
            {
                paths.Remove(path);
            }
        }

        return System.Text.Encoding.UTF8.GetBytes(document.ToJsonString());
    }

    /// <summary>An endpoint's operations by name; none for those that only refuse the wrong method.</summary>
    public static IEnumerable<string> Operations(RouteEndpoint endpoint) =>
        (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(method => OperationName(method, endpoint.RoutePattern.RawText ?? ""));

    /// <summary>Method and path; parameters count by their place, not by their name.</summary>
    public static string OperationName(string method, string path) => $"{method.ToUpperInvariant()} /{Parameter().Replace(path.TrimStart('/'), "{}")}";

    /// <summary>All that is written down, served or not.</summary>
    public static JsonObject Read()
    {
        using var stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream(Resource)!;
        return JsonNode.Parse(stream)!.AsObject();
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
