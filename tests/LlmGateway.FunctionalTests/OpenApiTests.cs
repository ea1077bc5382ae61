using System.Net;
using System.Text.Json;
using LlmGateway.Access;
using LlmGateway.Api;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>The API's description says what is served, to whom, in which shapes, and its examples are true.</summary>
public sealed class OpenApiTests
{
    private static readonly string[] Methods = ["get", "head", "post", "put", "patch", "delete"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_endpoint_is_described_with_its_access_and_nothing_else_is()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var document = await ReadAsync(gateway);

        var served = gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => OpenApiDocument.Operations(endpoint).Select(operation => $"{operation} {endpoint.Metadata.GetMetadata<EndpointAccessMetadata>()?.Access}"));
        var described = Operations(document).Select(operation => $"{OpenApiDocument.OperationName(operation.Method, operation.Path)} {AccessOf(operation.Value)}");

        Assert.Equal(served.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_operation_tells_what_it_does_takes_and_answers()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var document = await ReadAsync(gateway);

        foreach (var (path, method, operation) in Operations(document))
        {
            var name = $"{method} {path}";
            Assert.True(operation.GetProperty("summary").GetString()!.Length > 3, name);
            Assert.True(method is not ("post" or "put") || path is "/api/chat/session" || operation.TryGetProperty("requestBody", out _), name);
            Assert.Contains(operation.GetProperty("responses").EnumerateObject(), response => response.Name.StartsWith('2'));
            Assert.Equal(AccessOf(operation) != EndpointAccess.Open, operation.GetProperty("responses").TryGetProperty("401", out _));
            var declared = operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Where(parameter => parameter.TryGetProperty("in", out var place) && place.ValueEquals("path")).Select(parameter => "{" + parameter.GetProperty("name").GetString() + "}")
                : [];
            Assert.Equal(path.Split('/').Where(part => part.StartsWith('{')), declared);
        }
    }

    [Fact]
    public void Every_reference_leads_somewhere()
    {
        var document = WrittenDown();

        var references = References(document).Distinct().ToList();

        Assert.True(references.Count > 50);
        Assert.All(references, reference => Assert.True(Find(document, reference) is not null, reference));
    }

    [Fact]
    public void Every_body_has_a_schema_and_an_example_that_fits_it()
    {
        var document = WrittenDown();
        var checker = new JsonSchemaChecker(document);
        var bodies = Bodies(document).ToList();

        Assert.True(bodies.Count > 60);
        foreach (var (where, type, body) in bodies)
        {
            var name = body.GetProperty("schema").TryGetProperty("$ref", out var reference) ? reference.GetString()!.Split('/')[^1] : null;
            var own = body.TryGetProperty("example", out var example) ? example : (JsonElement?)null;
            var given = own ?? (name is null ? null : Find(document, "#/components/schemas/" + name)!.Value.TryGetProperty("example", out var shared) ? shared : null);
            Assert.True(given is not null, $"{where} {type}: no example");
            if (name is not null && type == "application/json")
            {
                Assert.True(checker.Check(name, given!.Value) is { Count: 0 }, $"{where}: {string.Join("; ", checker.Check(name, given.Value))}");
            }
        }
    }

    /// <summary>What the gateway really answers fits what is written down of it.</summary>
    [Fact]
    public async Task Real_answers_fit_their_schemas()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var checker = new JsonSchemaChecker(await ReadAsync(gateway));
        const string Question = """{"model":"m","max_tokens":9,"stream":false,"messages":[{"role":"user","content":"hi"}]}""";

        foreach (var (schema, path, body) in ((string, string, string?)[])
        [
            ("ChatCompletion", "/v1/chat/completions", Question), ("Completion", "/v1/completions", """{"prompt":"hi"}"""), ("EmbeddingList", "/v1/embeddings", """{"input":"hi"}"""),
            ("AnthropicMessage", "/v1/messages", Question), ("AnthropicCount", "/v1/messages/count_tokens", Question), ("OllamaChat", "/api/chat", Question),
            ("OllamaGenerate", "/api/generate", """{"model":"m","prompt":"hi","stream":false}"""), ("ModelList", "/v1/models", null), ("OllamaModels", "/api/tags", null),
            ("OllamaVersion", "/api/version", null), ("Health", "/health/ready", null), ("Health", "/health/live", null), ("Error", "/v1/chat/completions", "{}"),
            ("AnthropicError", "/v1/messages", "{}"), ("OllamaError", "/api/chat", "{}"), ("Explanation", "/admin/explain", "{}"),
            ("UsageRowList", "/admin/usage", null), ("UsageRowList", "/admin/usage?group_by=model", null), ("RequestRecordList", "/admin/requests", null),
            ("ModelStateList", "/admin/models", null), ("ProviderStateList", "/admin/providers", null), ("ModelTestReport", "/admin/model-tests", "{}"),
        ])
        {
            using var response = body is null ? await gateway.Client.GetAsync(new Uri(path, UriKind.Relative), Cancellation) : await gateway.SendAsync(path, body);
            using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
            Assert.True(checker.Check(schema, answer.RootElement) is { Count: 0 }, $"{path}: {string.Join("; ", checker.Check(schema, answer.RootElement))}\n{answer.RootElement}");
        }
    }

    [Fact]
    public async Task The_page_is_served_from_here_in_development_alone()
    {
        await using var development = await new GatewayUnderTest().StartAsync();
        await using var provider = ScriptedProvider.OpenAi();
        await using var production = await new GatewayUnderTest().InProduction(provider).StartAsync();

        foreach (var file in (string[])["index.html", "index.js", "index.css", "swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "favicon-32x32.png"])
        {
            using var response = await development.Client.GetAsync(new Uri("/swagger/" + file, UriKind.Relative), Cancellation);
            Assert.Equal((file, HttpStatusCode.OK), (file, response.StatusCode));
            Assert.Contains("default-src 'self'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            if (file.StartsWith("index.", StringComparison.Ordinal))
            {
                Assert.DoesNotContain("https://", await response.Content.ReadAsStringAsync(Cancellation) is var text && file == "index.html" ? text : "", StringComparison.Ordinal);
            }
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/swagger/index.html") { Headers = { { "Authorization", "Bearer sk-client" } } };
        using var absent = await production.Client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, absent.StatusCode);
    }

    private static async Task<JsonElement> ReadAsync(GatewayUnderTest gateway)
    {
        using var response = await gateway.Client.GetAsync(new Uri("/openapi/v1.json", UriKind.Relative), Cancellation);
        Assert.Equal((HttpStatusCode.OK, "application/json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return document.RootElement.Clone();
    }

    private static JsonElement WrittenDown()
    {
        using var document = JsonDocument.Parse(OpenApiDocument.Read().ToJsonString(), new JsonDocumentOptions { AllowDuplicateProperties = false });
        return document.RootElement.Clone();
    }

    private static IEnumerable<(string Path, string Method, JsonElement Value)> Operations(JsonElement document) =>
        from path in document.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        where Methods.Contains(operation.Name)
        select (path.Name, operation.Name, operation.Value);

    private static EndpointAccess AccessOf(JsonElement operation) => operation.GetProperty("security") switch
    {
        var security when security.GetArrayLength() == 0 => EndpointAccess.Open,
        var security when security[0].TryGetProperty("adminKey", out _) => EndpointAccess.Admin,
        _ => EndpointAccess.Client,
    };

    private static IEnumerable<string> References(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member => member.Name == "$ref" ? [member.Value.GetString()!] : References(member.Value)),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(References),
        _ => [],
    };

    private static IEnumerable<(string Where, string Type, JsonElement Body)> Bodies(JsonElement value, string where = "#")
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        return value.EnumerateObject().Where(member => member.Name is not ("schemas" or "schema" or "example")).SelectMany(member => member.Name == "content"
            ? member.Value.EnumerateObject().Where(body => body.Value.ValueKind == JsonValueKind.Object && body.Value.TryGetProperty("schema", out _)).Select(body => (where, body.Name, body.Value))
            : Bodies(member.Value, where + "/" + member.Name));
    }

    private static JsonElement? Find(JsonElement document, string reference)
    {
        var found = document;
        foreach (var part in reference.Split('/')[1..])
        {
            if (!found.TryGetProperty(part, out found))
            {
                return null;
            }
        }

        return found;
    }
}
