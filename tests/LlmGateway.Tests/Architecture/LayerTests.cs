using System.Reflection;
using System.Text.RegularExpressions;

namespace LlmGateway.Tests.Architecture;

/// <summary>Who may know whom: the hinge between client side and provider side stays one.</summary>
public sealed partial class LayerTests
{
    private static readonly string[] ClientSide = ["", "Access", "Profiles", "Limits", "Api", "Surfaces", "Forwarding", "Telemetry", "Admin"];

    [Fact]
    public void HttpContext_stops_at_Forwarding() => NoFileMatches(HttpContextName(), ClientSide);

    [Fact]
    public void Polly_stays_in_Resilience_and_Routing() => NoFileMatches(PollyName(), ["Resilience", "Routing"]);

    [Fact]
    public void Yarp_stays_in_Forwarding_and_the_registration() => NoFileMatches(YarpName(), ["", "Forwarding"]);

    [Fact]
    public void A_dialect_knows_only_Model_and_its_wire()
    {
        var strangers =
            from file in SourceTree.Files
            where file.TopFolder == "Providers"
            from Match match in OwnNamespace().Matches(file.Code)
            where match.Groups["folder"].Value is not ("Model" or "Providers")
            select $"{file}: {match.Value}";

        Findings.AssertNone(strangers);
    }

    [Fact]
    public void Model_knows_nobody()
    {
        var strangers =
            from file in SourceTree.Files
            where file.TopFolder == "Model"
            from Match match in OwnNamespace().Matches(file.Code)
            where match.Groups["folder"].Value != "Model"
            select $"{file}: {match.Value}";

        Findings.AssertNone(strangers);
    }

    /// <summary>Names may also be reached without a using; members of compiled types cannot hide.</summary>
    [Theory]
    [InlineData("Model", new[] { "Model" })]
    [InlineData("Providers", new[] { "Model", "Providers" })]
    public void Members_use_only_types_they_may_know(string folder, string[] allowed)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var strangers =
            from type in typeof(GatewayHost).Assembly.GetTypes()
            where FolderOf(type) == folder
            from used in type.GetFields(All).Select(field => field.FieldType)
                .Concat(type.GetMethods(All).SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType)))
                .Concat(type.GetConstructors(All).SelectMany(constructor => constructor.GetParameters()).Select(parameter => parameter.ParameterType))
                .Concat(type.GetInterfaces())
                .Append(type.BaseType ?? typeof(object))
                .SelectMany(Parts)
            where FolderOf(used) is { } other && !allowed.Contains(other)
            select $"{type.FullName} → {used.FullName}";

        Findings.AssertNone(strangers.Distinct());
    }

    private static void NoFileMatches(Regex forbidden, string[] allowedFolders) =>
        Findings.AssertNone(
            from file in SourceTree.Files
            where !allowedFolders.Contains(file.TopFolder)
            from Match match in forbidden.Matches(file.Code)
            select $"{file}:{file.LineOf(match)}: {match.Value}");

    /// <summary>A type's folder, or null for types from elsewhere and those of the root.</summary>
    private static string? FolderOf(Type type) =>
        type.Assembly == typeof(GatewayHost).Assembly && type.Namespace?.Split('.') is ["LlmGateway", var folder, ..] ? folder : null;

    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type)
        : [type];

    [GeneratedRegex(@"\b(HttpContext|HttpRequest|HttpResponse|IHttpContextAccessor|RequestDelegate|Microsoft\.AspNetCore\.Http)\b")]
    private static partial Regex HttpContextName();

    [GeneratedRegex(@"\bPolly\b|\bResiliencePipeline(Builder|Provider|Registry)?\b")]
    private static partial Regex PollyName();

    [GeneratedRegex(@"\bYarp\.|\bIHttpForwarder\b|\bForwarderRequestConfig\b|\bAddHttpForwarder\b|\bHttpTransformer\b")]
    private static partial Regex YarpName();

    [GeneratedRegex(@"\bLlmGateway\.(?<folder>[A-Z]\w*)")]
    private static partial Regex OwnNamespace();
}
