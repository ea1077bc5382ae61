using LlmGateway.Configuration;

namespace LlmGateway;

/// <summary>Builds the gateway as a web application, from nothing but its inputs: many can run in one process.</summary>
public static class GatewayHost
{
    /// <summary>Room for what clients send on top of JSON bodies; the JSON limit itself is checked where bodies are read.</summary>
    public static WebApplication Build(HostInputs inputs)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = inputs.Args,
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = "production",
        });
        var settings = new HostSettings();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(new GatewayConfigSource(inputs.Variables));
        builder.Services.AddLlmGateway(settings);
        inputs.ConfigureServices?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseLlmGateway();
        return app;
    }
}
